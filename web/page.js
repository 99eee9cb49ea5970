// The page shows the events of the stream as rows of a table. What each part of it does has a file of its own: stream.js
// has the stream and all that becomes of it, table.js the rows, scroll.js what the reader sees of them, announce.js
// what the reader hears, and header.js what is said of the connection.

import { announce } from './announce.js';
import { showTopics, tell } from './header.js';
import { subscribe } from './stream.js';
import { add, addGap, firstId, parse } from './table.js';

tell('waiting'); // support.js sees by this that the page runs.

// The events to show: those without a name, which are of type message, and those whose names the page's own
// URL has, as in /?event=alert&event=price. An EventSource can't listen to all names.
const query = new URLSearchParams(location.search);
const types = new Set(['message', ...query.getAll('event')]);
for (const type of ['heartbeat', 'gap']) types.delete(type); // The server's own.

// The topics whose events the stream has, as in /?topic=mail/anna&topic=news; without any the default topic.
const topics = [...new Set(query.getAll('topic'))];
showTopics(topics);

subscribe(types, topics, recall(), evt => {
	add(evt);
	const [, message] = parse(evt.data);
	announce(evt.type === 'message' ? message : evt.type + ': ' + message);
}, id => {
	addGap(id);
	announce('Messages are missing');
});
addEventListener('pagehide', remember);

// remember and recall have the table come again when the reader reloads the page, or goes back to it where the browser
// does not cache it: Firefox caches no page that has had a stream. The server replays the events from the first row's
// on. What is stored belongs to the tab; history.state can't be changed any more when a reload begins.
function remember() {
	const id = Number(firstId());
	if (!Number.isSafeInteger(id)) return;
	try {
		sessionStorage.setItem(location.href, id - 1);
	} catch {} // The reader allows no storage.
}

function recall() {
	try {
		// A browser that keeps its entries to itself may have been told to come here anew. To show rows again is better
		// than to lose them.
		const type = performance.getEntriesByType?.('navigation')[0]?.type;
		if (type === 'navigate') sessionStorage.removeItem(location.href);
		return sessionStorage.getItem(location.href);
	} catch {
		return null;
	}
}
