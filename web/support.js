// A file of its own, which even a browser can read that understands nothing of page.js.
if (!window.EventSource) {
	document.getElementById('header').innerText = 'Server-sent events are not supported by this browser';
	document.getElementById('header').setAttribute('data-state', 'unsupported');
}
