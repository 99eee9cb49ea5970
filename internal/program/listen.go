package program

import (
	"crypto/tls"
	"fmt"

	"example.com/sse/server"
)

// Certificate returns the configuration for HTTPS, or nil where the options name no certificate.
func (o *Options) Certificate() (*tls.Config, error) {
	if o.Cert == "" {
		return nil, nil
	}
	config, err := server.Certificate(o.Cert, o.Key)
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	return config, nil
}

// Listen listens on the socket that systemd passes or, where it passes none, on the options' address: for HTTPS with a
// configuration, and for HTTP where it is nil.
func (o *Options) Listen(config *tls.Config) (*server.Listener, error) {
	listener, err := server.Inherited(config)
	if listener == nil && err == nil {
		return server.Listen(o.Addr, config)
	}
	return listener, err
}
