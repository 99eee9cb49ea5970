// Package program holds what only this program needs, and what would have main.go grow: the files
// and values of its flags, where its log goes, and what all its answers have.
package program
