// The page shows the events of the stream as rows of a table. Each part of it has a file of its own:
//
//   stream.js    the event stream: it is opened, lost, paused while nobody sees the page, and opened again
//   table.js     the rows
//   scroll.js    which of the rows the reader sees
//   announce.js  what a screen reader says of new rows
//   header.js    the line that says what state the stream is in
//   support.js   what the page says where this file does not run

import { announce } from './announce.js';
import { showTopics, tell } from './header.js';
import { subscribe } from './stream.js';
import { add, addGap, firstId, parse } from './table.js';

tell('waiting'); // support.js sees by this that the page runs.

// The events to show: those without a name, which are of type message, and those whose names the page's own
// URL has, as in /?event=alert&event=price. An EventSource can't listen to all names.
const query = new URLSearchParams(location.search);
const types = new Set(['message', ...query.getAll('event')]);
for (const type of ['heartbeat', 'gap']) types.delete(type); // These are the server's own, for stream.js.

// The topics whose events the stream has, as in /?topic=mail/anna&topic=news; without any the default topic.
const topics = [...new Set(query.getAll('topic'))];
showTopics(topics);

subscribe({
	types,
	topics,
	after: recall(),
	receive: evt => {
		add(evt);
		const [, message] = parse(evt.data);
		announce(evt.type === 'message' ? message : evt.type + ': ' + message);
	},
	miss: id => {
		addGap(id);
		announce('Messages are missing');
	},
});
addEventListener('pagehide', remember);

// remember and recall bring the rows back when the reader reloads the page, or goes back to it in a browser that has not
// cached it: Firefox caches no page that has had a stream. remember stores the ID before the first row's, and the server
// replays the events after it. sessionStorage belongs to the tab. history.state would not do: it can't be changed any
// more when a reload begins.
function remember() {
	const id = Number(firstId());
	if (!Number.isSafeInteger(id)) return;
	try {
		sessionStorage.setItem(location.href, id - 1);
	} catch {} // The reader allows no storage.
}

function recall() {
	try {
		// A reader who opens the page anew sees only new events. A browser may not say how the reader came here: then
		// the rows come back, since to show them again is better than to lose them.
		const type = performance.getEntriesByType?.('navigation')[0]?.type;
		if (type === 'navigate') sessionStorage.removeItem(location.href);
		return sessionStorage.getItem(location.href);
	} catch {
		return null;
	}
}
