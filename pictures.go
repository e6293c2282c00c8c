package main

import (
	"context"

	"longwave/ingest/telemetry"
	"longwave/processors/erase"
	"longwave/tenants/id"
	"longwave/tenants/picture"
)

// openPictures opens what dashboards show behind values.
func (p *platform) openPictures(ctx context.Context) (err error) {
	p.pictures, err = picture.Open(ctx, picture.Options{JS: p.js, Replicas: p.NATSReplicas})
	return err
}

// picturePart is the pictures of a tenant, which go with it.
func (p *platform) picturePart() erase.Part {
	return p.streamPart("pictures of dashboards", telemetry.BucketStream(picture.Bucket), func(t id.Tenant) string { return telemetry.BucketKeys(picture.Bucket, t) })
}
