package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"longwave/tenants"
)

// setupCommand does the first run without a browser. It works on the data directory, or on the external broker, itself;
// with the embedded broker the program must not run meanwhile.
type setupCommand struct {
	Data         string `help:"Data directory to claim." default:"longwave-data" type:"path" placeholder:"DIR"`
	Operator     string `help:"E-mail of the first operator." required:"" placeholder:"MAIL"`
	PasswordFile string `help:"File whose first line is the operator's password; - reads standard input." required:"" placeholder:"FILE"`
	Tenant       string `help:"Name of the first tenant." required:"" placeholder:"NAME"`
	JSON         bool   `name:"json" help:"Print the result as JSON."`

	natsConfig
}

// claimed is what setup prints. The key is shown here and never again.
type claimed struct {
	Operator string `json:"operator"`
	Tenant   string `json:"tenant"`
	Key      string `json:"api_key"`
}

// Run claims the installation. It returns an error that says so when somebody has claimed it already.
func (c *setupCommand) Run(ctx context.Context, stdout io.Writer) (err error) {
	if err := c.validateNATS(); err != nil {
		return err
	}
	password, err := firstLine(c.PasswordFile)
	if err != nil {
		return fmt.Errorf("--password-file: %w", err)
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	down := teardown{log: log}
	defer func() {
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
		defer cancel()
		err = errors.Join(err, down.unwind(stop))
	}()
	service, err := c.open(ctx, log, &down)
	if err != nil {
		return err
	}
	result, err := c.claim(ctx, service, password)
	if err != nil {
		return err
	}
	return c.print(stdout, result)
}

// open connects to the broker and folds the control log.
func (c *setupCommand) open(ctx context.Context, log *slog.Logger, down *teardown) (*tenants.Service, error) {
	dir, err := openDataDir(c.Data)
	if err != nil {
		return nil, err
	}
	down.push("data directory", dir.release)
	queues := queueOptions{natsConfig: c.natsConfig, data: dir, log: log, durable: true, size: anySize}
	_, _, js, err := queues.open(ctx, down)
	if err != nil {
		return nil, err
	}
	service, err := tenants.Open(ctx, tenants.Options{JS: js, Replicas: c.NATSReplicas, Log: log})
	if err != nil {
		return nil, err
	}
	down.supervise("control log", service.Run, func(error) {})
	return service, nil
}

func (c *setupCommand) claim(ctx context.Context, service *tenants.Service, password string) (claimed, error) {
	actor := tenants.Actor{System: "setup"}
	first, err := service.Claim(ctx, actor, tenants.Claim{Email: c.Operator, Name: c.Operator, Password: password, Tenant: c.Tenant})
	if errors.Is(err, tenants.ErrClaimed) {
		return claimed{}, fmt.Errorf("%s is already claimed; sign in, or name a fresh directory with --data", c.Data)
	}
	if err != nil {
		return claimed{}, err
	}
	_, secret, err := service.CreateKey(ctx, actor, first.Tenant.ID, tenants.NewKey{Name: "setup", Role: tenants.Owner})
	if err != nil {
		return claimed{}, err
	}
	return claimed{Operator: c.Operator, Tenant: string(first.Tenant.ID), Key: secret}, nil
}

func (c *setupCommand) print(stdout io.Writer, result claimed) error {
	if c.JSON {
		return json.NewEncoder(stdout).Encode(result)
	}
	_, err := fmt.Fprintf(stdout, "operator  %s\ntenant    %s\nAPI key   %s\n\nThe key is shown this once. Start with: longwave serve --data %s\n",
		result.Operator, result.Tenant, result.Key, c.Data)
	return err
}

func firstLine(path string) (string, error) {
	var source io.Reader = os.Stdin
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return "", err
		}
		defer file.Close()
		source = file
	}
	line, err := bufio.NewReader(source).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	return strings.TrimRight(line, "\r\n"), nil
}
