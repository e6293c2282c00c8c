package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/conf"
	"go.yaml.in/yaml/v3"

	"longwave/processors/store"
)

type composeFile struct {
	App struct {
		Environment map[string]string
		Command     []string
	} `yaml:"x-app"`
	Services map[string]struct {
		Depends []string `yaml:"depends_on"`
		Volumes []string
		Configs []struct{ Source string }
	}
	Configs map[string]struct{ Content string }
	Volumes map[string]any
}

// settingsOf lists the variables of every setting that serve has.
func settingsOf(t *testing.T) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	for _, flag := range serveFlags(t) {
		for _, name := range flag.Envs {
			all[name] = true
		}
	}
	return all
}

func TestComposeFileHangsTogether(t *testing.T) {
	text, err := os.ReadFile("deploy/compose.cluster.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var c composeFile
	if err := yaml.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	known := settingsOf(t)
	for name := range c.App.Environment {
		if !known[name] {
			t.Errorf("%s is no setting", name)
		}
	}
	for name, s := range c.Services {
		for _, other := range s.Depends {
			if _, ok := c.Services[other]; !ok {
				t.Errorf("%s depends on %s, which is not there", name, other)
			}
		}
		for _, source := range s.Configs {
			if _, ok := c.Configs[source.Source]; !ok {
				t.Errorf("%s wants the config %s, which is not there", name, source.Source)
			}
		}
		for _, volume := range s.Volumes {
			name, _, _ := strings.Cut(volume, ":")
			if _, ok := c.Volumes[name]; !ok {
				t.Errorf("volume %s is not there", name)
			}
		}
	}
	nats, err := conf.Parse(c.Configs["nats"].Content)
	if err != nil {
		t.Fatal(err)
	}
	if js, _ := nats["jetstream"].(map[string]any); js["sync_interval"] != "always" {
		t.Errorf("the brokers do not wait for their disks: %v", nats)
	}
	checkCluster(t, c)
}

// checkCluster compares what the program is told of the cluster with what its servers are.
func checkCluster(t *testing.T, c composeFile) {
	t.Helper()
	var servers struct {
		Macros  map[string]any
		Servers map[string]struct {
			Shard []struct {
				Internal bool `yaml:"internal_replication"`
				Replica  []struct{ Host string }
			}
		} `yaml:"remote_servers"`
	}
	if err := yaml.Unmarshal([]byte(c.Configs["clickhouse"].Content), &servers); err != nil {
		t.Fatal(err)
	}
	name := c.App.Environment["LONGWAVE_CLICKHOUSE_CLUSTER"]
	cluster, ok := servers.Servers[name]
	if !ok || !store.ValidCluster(name) || servers.Macros["shard"] == nil || servers.Macros["replica"] == nil {
		t.Fatalf("cluster %q: %+v", name, servers)
	}
	for _, shard := range cluster.Shard {
		if !shard.Internal || len(shard.Replica) < 2 {
			t.Errorf("a shard is not replicated by its tables: %+v", shard)
		}
		for _, replica := range shard.Replica {
			if _, ok := c.Services[replica.Host]; !ok {
				t.Errorf("%s is no service", replica.Host)
			}
		}
	}
	for _, other := range []string{"clickhouse-users", "keeper"} {
		var content map[string]any
		if err := yaml.Unmarshal([]byte(c.Configs[other].Content), &content); err != nil || len(content) == 0 {
			t.Errorf("%s: %v", other, err)
		}
	}
}

func TestKubernetesFileUsesSettingsThatExist(t *testing.T) {
	text, err := os.ReadFile("deploy/kubernetes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	known, kinds, documents := settingsOf(t), map[string]bool{}, yaml.NewDecoder(bytes.NewReader(text))
	for {
		var document map[string]any
		if err := documents.Decode(&document); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		kind, _ := document["kind"].(string)
		kinds[kind] = true
		for name := range environment(document) {
			if !known[name] {
				t.Errorf("%s is no setting", name)
			}
		}
	}
	want := map[string]bool{"Deployment": true, "Service": true, "PodDisruptionBudget": true, "ScaledObject": true}
	if !reflect.DeepEqual(kinds, want) {
		t.Errorf("kinds %v, want %v", kinds, want)
	}
}

// environment finds the names of all variables in a document.
func environment(node any) map[string]bool {
	found := map[string]bool{}
	switch n := node.(type) {
	case map[string]any:
		if name, ok := n["name"].(string); ok && strings.HasPrefix(name, "LONGWAVE_") {
			found[name] = true
		}
		for _, child := range n {
			for name := range environment(child) {
				found[name] = true
			}
		}
	case []any:
		for _, child := range n {
			for name := range environment(child) {
				found[name] = true
			}
		}
	}
	return found
}
