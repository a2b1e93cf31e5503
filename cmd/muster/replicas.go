package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"muster"
	"muster/realtime"
	"muster/replica"
	"muster/store/sqlite"
)

// joinPeers makes the notifier that tells the players of all replicas. local tells those
// of this one; heard is to be told of what other replicas say.
type joinPeers func(local muster.Notifier, heard func(...muster.Notice)) *replica.Mesh

// openHub makes the hub and completes notifier, which the rules have: it is the hub, or
// the mesh of replicas in front of it. mesh is nil where there are no other replicas.
func openHub(p backendParts, rules *muster.Backend, notifier *lateNotifier, o realtime.Options) (hub *realtime.Hub, mesh *replica.Mesh) {
	if p.peers != nil {
		o.Follow = &realtime.Follow{CatchUp: rules.CatchUp, Lossy: func() bool { return !mesh.Alone() }}
	}
	hub = realtime.New(o)
	notifier.Notifier = hub
	if p.peers != nil {
		mesh = p.peers(hub, rules.Heard)
		notifier.Notifier = mesh
	}
	return hub, mesh
}

// openPeers opens the address at which other replicas reach this one; meetPeers serves it. Nil
// and no error: a file is the store, so there can be no others.
func (o *office) openPeers(ctx context.Context, store database) (joinPeers, error) {
	if _, isFile := store.(*sqlite.Store); isFile {
		return nil, nil
	}
	back, err := listen(ctx, "--internal", o.settings.internal)
	if err != nil {
		return nil, err
	}
	o.back = back
	o.stack.onEnd("internal listener", func() error { return ignoreClosed(back.Close()) })
	advertised := o.settings.advertise
	if advertised == "" {
		if advertised, err = advertise(back.Addr().(*net.TCPAddr), net.InterfaceAddrs); err != nil {
			return nil, err
		}
	}
	return func(local muster.Notifier, heard func(...muster.Notice)) *replica.Mesh {
		return replica.New(replica.Options{
			Store: store, ID: newID(), URL: advertised, Secrets: o.meshSecrets,
			Keys:  func() []string { return o.settings.keys.At(time.Now()).Fingerprints() },
			Local: local, Heard: heard, Now: time.Now, Log: o.log,
		})
	}, nil
}

// meetPeers lets the other replicas know of this one and hears what they tell from then on.
func (o *office) meetPeers(ctx context.Context, mesh *replica.Mesh) {
	o.stack.run("internal http", func(ctx context.Context) error { return serve(ctx, o.back, mesh.Handler(), nil) })
	o.stack.run("replicas", mesh.Run)
	mesh.Known(ctx)
}

// meshSecrets are what replicas seal their notices with: they follow from the signing keys,
// and rotate with them.
func (o *office) meshSecrets() []replica.Secret {
	derived, err := o.settings.keys.At(time.Now()).Derive(meshPurpose)
	if err != nil { // a hash that has no limit here
		o.log.Error("derive the secrets of notices between replicas", "error", err)
	}
	secrets := make([]replica.Secret, 0, len(derived))
	for _, d := range derived {
		secrets = append(secrets, replica.Secret{ID: d.ID, Key: d.Secret})
	}
	return secrets
}

// meshPurpose is what those secrets are derived for.
const meshPurpose = "notices between replicas"

// advertise is where other replicas reach a listener: at its own address, or where it
// listens at all of them at the first of this machine that is not its alone, IPv4 before
// IPv6.
func advertise(listener *net.TCPAddr, addresses func() ([]net.Addr, error)) (string, error) {
	at := listener.IP
	if at == nil || at.IsUnspecified() {
		all, err := addresses()
		if err != nil {
			return "", fmt.Errorf("find an address of this machine: %w; name one with --advertise", err)
		}
		if at = reachableAddress(all); at == nil {
			return "", errors.New("this machine has no address that other replicas could reach: name one with --advertise")
		}
	}
	u := url.URL{Scheme: "http", Host: net.JoinHostPort(at.String(), fmt.Sprint(listener.Port))}
	return u.String(), nil
}

func reachableAddress(all []net.Addr) net.IP {
	var sixth net.IP
	for _, a := range all {
		network, ok := a.(*net.IPNet)
		switch {
		case !ok, !network.IP.IsGlobalUnicast(): // loopback or link-local
		case network.IP.To4() != nil:
			return network.IP
		case sixth == nil:
			sixth = network.IP
		}
	}
	return sixth
}
