// This runs after page.js, and is written so that old browsers understand it, too. Where page.js has not run, whatever the
// reason, this says so, lest the reader wait for messages.
(function () {
	var header = document.getElementById('header');
	if (header.getAttribute('data-state')) return;
	header.setAttribute('data-state', 'unsupported');
	header.innerText = window.EventSource
		? 'This page could not start. Load it again, or try a newer browser'
		: 'Server-sent events are not supported by this browser';
})();
