package ecssim

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"time"
)

// shutdownGrace is how long Serve waits for answers under way.
const shutdownGrace = time.Second

// Serve answers HTTP on l, or HTTPS with a TLS configuration, until ctx ends,
// which also ends the contexts of the requests under way. It returns nil
// after a clean end. There is no write timeout, because a Fault may hang or
// delay for as long as its user likes.
func Serve(ctx context.Context, l net.Listener, h http.Handler, config *tls.Config) error {
	srv := &http.Server{
		Handler:           h,
		TLSConfig:         config,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
	}
	ended := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() { ended <- shutDown(srv) })
	err := listen(srv, l)
	if stop() { // ctx goes on: the listener failed
		return errors.Join(err, srv.Close())
	}
	if err := <-ended; err != nil {
		return err
	}
	if !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func listen(srv *http.Server, l net.Listener) error {
	if srv.TLSConfig != nil {
		return srv.ServeTLS(l, "", "")
	}
	return srv.Serve(l)
}

// shutDown lets answers under way finish for a moment and then cuts them off.
func shutDown(srv *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownGrace)
	defer cancel()
	if err := srv.Shutdown(ctx); err != nil {
		return srv.Close()
	}
	return nil
}
