// The event stream. The page opens it again whenever it is lost, and it continues after the last event that came.

import { tell } from './header.js';

const OPEN_WITHIN = 5000;   // ms that a stream may take to open before the header says so
const HIDDEN_FOR = 3000;    // ms that a hidden tab keeps its connection, so that a glance elsewhere costs nothing
const RETRY = 2000;         // ms, and up to as many again, before the page itself opens a new stream
const HEARTBEAT = 15_000;   // ms within which something comes, until a stream says what it keeps to
const MAY_MISS = 3;         // in how many such intervals nothing may come before the connection counts as lost
const BEFORE_ALL = '';      // the lastId of a page that has had a stream and no event yet
const LATEST = 500;         // how many of each topic's events such a page asks for when it opens another stream
const REFUSALS = new Set([400, 401, 403, 414, 431]); // what a server answers to a URL, or to a reader, that it does not take
const ASK_AFTER = 500;      // ms before the page asks why: a browser that leaves the page closes its stream, too
const LONGEST_TIMER = 2 ** 31 - 1; // ms that a timer can wait for at most

let source = null; // the EventSource, or null while there is none
let lastId;        // the stream continues after this event; null before a stream was first opened
let wanted;        // what subscribe was called with
let timer;         // the end of OPEN_WITHIN or of RETRY
let asking;        // the AbortController of the request that asks why the stream was refused

// subscribe keeps a stream open while the page is seen. It takes an object:
//
//   types    the names of the events to receive
//   topics   the topics that the stream asks for
//   after    the ID of the event after which the stream begins, or null for new events only
//   receive  is called with each event
//   miss     is called with the ID after which events are missing
export function subscribe(options) {
	wanted = options;
	lastId = options.after;
	document.addEventListener('visibilitychange', seenOrHidden);
	addEventListener('pagehide', pause); // The page may live on in the browser's back/forward cache.
	addEventListener('pageshow', () => {
		open();
		seenOrHidden();
	});
}

function open() {
	if (source) return;
	clearTimeout(timer);
	// The browser sends the Last-Event-ID header when it reconnects by itself, but a new EventSource can't.
	const query = new URLSearchParams([['heartbeat', 'show'], ...wanted.topics.map(topic => ['topic', topic])]);
	if (lastId) query.set('lastEventId', lastId);
	else if (lastId === BEFORE_ALL) query.set('last', LATEST);
	const url = 'events?' + query;
	let stream;
	try {
		stream = new EventSource(url);
	} catch { // The browser has none, or something in it refuses.
		tell('unsupported');
		return;
	}
	source = stream;
	lastId ??= BEFORE_ALL;
	timer = setTimeout(tell, OPEN_WITHIN, 'late');
	expectWithin(OPEN_WITHIN);

	// WebKit revives a stream that was closed when the page went into the back/forward cache.
	const on = (type, handle) => stream.addEventListener(type, evt => {
		if (stream !== source) return stream.close();
		missed = 0;
		handle(evt);
	});
	// A server may call its events open and error, too. Only those have data.
	const fromBrowser = handle => evt => {
		if (!(evt instanceof MessageEvent)) handle();
	};
	on('open', fromBrowser(() => {
		clearTimeout(timer);
		expectWithin(interval);
		tell(lastId === BEFORE_ALL ? 'waiting' : 'live');
	}));
	on('error', fromBrowser(() => {
		clearTimeout(timer);
		expectWithin(OPEN_WITHIN); // The browser reconnects by itself, unless it has closed the stream.
		tell('lost');
		// A browser that has had no ID would continue with live events only, so the page opens a new stream.
		const closed = stream.readyState === EventSource.CLOSED;
		if (closed || lastId === BEFORE_ALL) retry();
		if (closed) ask(url);
	}));
	// A stream begins with a heartbeat whose data says within how many ms the next one comes. It comes before any event, so
	// the browser has no last ID yet. A publisher's event of that name has an ID.
	on('heartbeat', evt => {
		if (evt.lastEventId !== '' || !(evt.data >= 1000)) return;
		interval = Math.min(evt.data, LONGEST_TIMER);
		expectWithin(interval);
	});
	// The server's gap has no ID of its own: the browser reports its last one, or none. A publisher's event of that name
	// has an ID, and the page does not show it.
	on('gap', evt => {
		if (evt.lastEventId === '' || evt.lastEventId === lastId) wanted.miss(lastId);
	});
	for (const type of wanted.types) {
		on(type, evt => {
			if (!(evt instanceof MessageEvent)) return;
			lastId = evt.lastEventId;
			tell('live');
			wanted.receive(evt);
		});
	}
}

function close() {
	clearTimeout(timer);
	clearInterval(pulse);
	asking?.abort();
	source?.close();
	source = null;
}

function retry() {
	close();
	timer = setTimeout(open, RETRY * (1 + Math.random()));
}

// ask asks why the browser was refused a stream, which an EventSource does not say. What the server refuses once
// (REFUSALS) it will refuse again, so the page says why, and tries no more until the reader loads it or comes back to it:
// by then another tab may have got the browser a new token.
async function ask(url) {
	const request = asking = new AbortController();
	try {
		await new Promise(resolve => setTimeout(resolve, ASK_AFTER));
		const answer = await fetch(url, { signal: request.signal });
		if (!REFUSALS.has(answer.status)) return;
		const [reason] = (await answer.text()).split('\n', 1);
		close();
		tell('refused', reason.slice(0, 150)); // A proxy's answer may be a page.
	} catch { // The server is away, or the page has gone on.
	} finally {
		request.abort(); // It may have become a stream.
	}
}

// A connection can hang without an end, for example where a proxy does. The server sends an event or a heartbeat in each
// interval, so the page counts the intervals in which nothing came, and does not look at the time: a machine's sleep,
// or a timer that a browser holds back, is one interval at most.

let interval = HEARTBEAT; // ms, what the server's first heartbeat has said
let pulse;  // the timer that ends each interval
let missed; // how many intervals have passed since something came

function expectWithin(ms) {
	clearInterval(pulse);
	missed = 0;
	pulse = setInterval(() => {
		if (++missed <= MAY_MISS) return;
		if (source.readyState === EventSource.OPEN) tell('lost');
		retry();
	}, ms);
}

// Over HTTP/1.1 a browser allows a site six connections. A tab that nobody sees gives its own back, since
// otherwise a seventh tab would not even load. When it is seen again, the stream continues after its last ID.

let hiding; // the end of HIDDEN_FOR

function pause() {
	close();
	tell('paused');
}

function seenOrHidden() {
	clearTimeout(hiding);
	if (document.hidden) hiding = setTimeout(pause, HIDDEN_FOR);
	else open();
}
