// This comes after page.js, and even a browser reads it that understands nothing of that. Where page.js does not run,
// whatever the reason, nobody shall wait for messages.
(function () {
	var header = document.getElementById('header');
	if (header.getAttribute('data-state')) return;
	header.setAttribute('data-state', 'unsupported');
	header.innerText = window.EventSource
		? 'This page could not start. Load it again, or try a newer browser'
		: 'Server-sent events are not supported by this browser';
})();
