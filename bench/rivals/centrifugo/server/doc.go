// Package server is nothing but a go.mod of its own that names Centrifugo as a tool: Centrifugo is built as
// it comes, with the versions of all modules that it asks for, and the benchmark needs none of them.
package server
