package e2e

import (
	"os"
	"strings"
)

// proxies are those that the tests run, each as Debian configures it.
var proxies = []proxy{
	{
		name:    "nginx",
		command: "nginx",
		install: "nginx",
		config:  "nginx.conf",
		addrs: map[string]string{
			"listen 80;":     "listen {plain};",
			"listen 443 ":    "listen {secure} ",
			"127.0.0.1:8080": "{server}",
		},
		debian: `
pid {dir}/pid;
events {
	worker_connections 768;
}
http {
	sendfile on;
	tcp_nopush on;
	gzip on;
	default_type application/octet-stream;
	access_log off;
	client_body_temp_path {dir}/body;
	proxy_temp_path {dir}/proxy;
	fastcgi_temp_path {dir}/fastcgi;
	uwsgi_temp_path {dir}/uwsgi;
	scgi_temp_path {dir}/scgi;
	include {dir}/nginx.conf;
}
`,
		args:    []string{"-p", "{dir}", "-c", "{dir}/debian.conf", "-e", "stderr", "-g", "daemon off; master_process off;"},
		drops:   "X-Accel-Buffering",
		away:    502,
		stalled: [3]int{0, 408, 408},
	},
	{
		name:    "HAProxy",
		command: "haproxy",
		install: "haproxy",
		config:  "haproxy.cfg",
		addrs: map[string]string{
			"bind :80\n":     "bind {plain}\n",
			"bind :443 ":     "bind {secure} ",
			"127.0.0.1:8080": "{server}",
		},
		debian: `
defaults
	mode http
	option dontlognull
	timeout connect 5000
	timeout client 50000
	timeout server 50000
`,
		args:    []string{"-db", "-f", "debian.conf", "-f", "haproxy.cfg"},
		slow:    true,
		away:    503,
		stalled: [3]int{408, 408, 408},
	},
	{
		name:    "Caddy",
		command: "caddy",
		install: "caddy",
		config:  "Caddyfile",
		addrs: map[string]string{
			"\n:80 {":        "\n:{plainPort} {",
			"\n:443 {":       "\n:{securePort} {",
			"127.0.0.1:8080": "{server}",
		},
		debian: `
{
	admin off
	auto_https disable_redirects
	default_bind 127.0.0.1
	servers {
		protocols h1 h2
	}
}
import Caddyfile
`,
		args:    []string{"run", "--adapter", "caddyfile", "--config", "debian.conf"},
		away:    502,
		stalled: [3]int{0, 0, 408}, // net/http waits for a body over HTTP/1.1 before it answers
	},
	{
		name:    "Apache",
		command: "apache2",
		install: "apache2-bin",
		config:  "apache.conf",
		addrs: map[string]string{
			"<VirtualHost *:80>":  "<VirtualHost {plain}>",
			"<VirtualHost *:443>": "<VirtualHost {secure}>",
			"127.0.0.1:8080":      "{server}",
		},
		debian:      apacheConfig(),
		args:        []string{"-X", "-f", "{dir}/debian.conf"},
		alwaysSlow:  true,
		fewPerHTTP2: true,
		away:        503,
		stalled:     [3]int{408, 408, 0}, // its own
	},
}

// apacheConfig is what Debian's apache2.conf, its modules' files, ports.conf and a2enmod make.
func apacheConfig() string {
	var b strings.Builder
	b.WriteString(`
ServerRoot {dir}
DefaultRuntimeDir {dir}
PidFile {dir}/pid
Mutex file:{dir} default
ServerName localhost
ErrorLog /dev/stderr
LogLevel warn
Timeout 300
KeepAlive On
MaxKeepAliveRequests 100
KeepAliveTimeout 5
Listen {plain}
Listen {secure}
`)
	for module := range strings.FieldsSeq("mpm_event authz_core alias filter deflate reqtimeout setenvif env asis proxy proxy_http ssl http2") {
		b.WriteString("LoadModule " + module + "_module /usr/lib/apache2/modules/mod_" + module + ".so\n")
	}
	b.WriteString(`
AddOutputFilterByType DEFLATE text/html text/plain text/xml text/css text/javascript
RequestReadTimeout header=20-40,minrate=500
RequestReadTimeout body=10,minrate=500
<Directory />
	AllowOverride None
	Require all denied
</Directory>
`)
	if os.Getuid() == 0 {
		b.WriteString("User www-data\nGroup www-data\n") // It would not run as root.
	}
	b.WriteString("Include {dir}/apache.conf\n")
	return b.String()
}
