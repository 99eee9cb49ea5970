// Package program holds what only this program needs, so that main.go can be read at once. Its files in the order in
// which main.go needs them:
//
//   - The command line: start.go, flags.go (how flags and variables are read), options.go (which there are, and what is
//     wrong with them), origins.go, version.go, healthcheck.go, and maketoken.go (the command token).
//   - The log: output.go and line.go.
//   - Who may do what: keyoptions.go, token.go, rights.go, credentials.go, crossorigin.go, refusals.go, publications.go.
//   - The events: source.go (memory, -data or -nats) and backup_unix.go (the signal for a backup).
//   - What is served, and where: headers.go, listen.go, health.go, figures.go (/stats), metrics.go (/metrics), admin.go
//     (-admin-addr), and systemd.go.
package program
