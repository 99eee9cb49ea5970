// Package server gives an app that serves package sse's streams what keeps its HTTP server from harm, and makes a
// stream cost little: limits on what a client may cost, a listener, a certificate that may change while the
// server runs, the collection of what connecting leaves behind, and a clean stop.
//
//	broker := sse.NewBroker()
//	http.Handle("/events", broker.Handler())
//	listener, err := server.Listen(":8080", nil)
//	…
//	err = server.Serve(server.UntilSignal(), listener, new(http.Server), broker)
//
// [Serve] is for net/http, and for every framework whose app is an http.Handler; [ServeIris] is for Iris. An app that serves in its own
// way calls [Configure] for the limits alone.
package server
