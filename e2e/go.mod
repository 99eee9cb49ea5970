module example.com/sse/e2e

go 1.26.0
