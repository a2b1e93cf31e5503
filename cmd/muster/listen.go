package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"time"
)

// listenLoopback opens an address of this machine alone. flag is what the user would
// change, for the message.
func listenLoopback(ctx context.Context, flag, addr string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("%s %q is not an address like 127.0.0.1:8080", flag, addr)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("%s %q is not a loopback address: this command serves this machine alone", flag, addr)
	}
	return listen(ctx, flag, addr)
}

// listen opens an address. flag is what the user would change, for the message.
func listen(ctx context.Context, flag, addr string) (net.Listener, error) {
	if _, _, err := net.SplitHostPort(addr); err != nil {
		return nil, fmt.Errorf("%s %q is not an address like :8080", flag, addr)
	}
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s is in use by another program: stop it, or choose another address with %s", addr, flag)
	}
	if err != nil {
		return nil, fmt.Errorf("listen on %s (%s): %w", addr, flag, err)
	}
	return listener, nil
}

// serve runs an HTTP server on a listener until ctx ends, then lets requests finish for
// a moment. stopping, when not nil, runs first.
func serve(ctx context.Context, listener net.Listener, handler http.Handler, stopping func()) error {
	return serveWithin(ctx, listener, handler, stopping, 3*time.Second)
}

// serveWithin is serve, with the time that requests have to finish.
func serveWithin(ctx context.Context, listener net.Listener, handler http.Handler, stopping func(), grace time.Duration) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	if stopping != nil {
		stopping()
	}
	ending, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	if err := server.Shutdown(ending); err != nil {
		return server.Close() // whoever is still connected is cut off
	}
	return nil
}
