const ROWS_KEPT = 500;
const OPEN_WITHIN = 5000; // ms that a stream may take to open before the header says so
const HIDDEN_FOR = 3000;  // ms that a hidden tab keeps its connection, so that a glance elsewhere costs nothing
const PAUSE = 2000;       // ms, and up to as many again, before the page reconnects where the browser has given up
const LEAVE = 500;        // ms that a reader who scrolls up has to leave the end

const STATES = {
	waiting: 'Waiting for messages...',
	live: 'Live',
	lost: 'Connection lost, retrying...',
	late: 'Not open after five seconds, still trying...',
	paused: 'Paused while this tab is hidden',
};

const header = document.getElementById('header');
const tbody = document.getElementById('messagesTable').tBodies[0];
const latest = document.querySelector('.latest');

function tell(state) {
	if (header.dataset.state === state) return;
	header.dataset.state = state;
	header.textContent = STATES[state];
}

// The stream.

// The events to show: those without a name, which are of type message, and those whose names the page's own
// URL has, as in /?event=alert&event=price. An EventSource can't listen to all names.
const types = new Set(['message', ...new URLSearchParams(location.search).getAll('event')]);

let source = null;                          // the EventSource, or null while there is none
let lastId = recall();                      // the stream continues after this event; null before it was first opened
let timer;                                  // the end of OPEN_WITHIN or of PAUSE

function open() {
	if (source) return;
	clearTimeout(timer);
	// The browser sends the Last-Event-ID header when it reconnects by itself, but a new EventSource can't.
	const stream = new EventSource(lastId === null ? 'events' : 'events?lastEventId=' + encodeURIComponent(lastId));
	source = stream;
	// Events missed before the first one received are missed too: 0 is before all of them.
	lastId ??= '0';
	timer = setTimeout(tell, OPEN_WITHIN, 'late');

	// WebKit revives a stream that was closed when the page went into the back/forward cache.
	const on = (type, handle) => stream.addEventListener(type, evt => {
		if (stream === source) handle(evt);
		else stream.close();
	});
	// A server may call its events open and error, too. Only those have data.
	const fromBrowser = handle => evt => {
		if (!(evt instanceof MessageEvent)) handle();
	};
	on('open', fromBrowser(() => {
		clearTimeout(timer);
		tell(lastId === '0' ? 'waiting' : 'live');
	}));
	on('error', fromBrowser(() => {
		clearTimeout(timer);
		tell('lost');
		// Without an id of its own the browser would continue with live events only.
		if (stream.readyState === EventSource.CLOSED || lastId === '0') {
			close();
			timer = setTimeout(open, PAUSE * (1 + Math.random()));
		}
	}));
	for (const type of types) {
		on(type, evt => {
			if (evt instanceof MessageEvent) receive(evt);
		});
	}
}

function close() {
	clearTimeout(timer);
	source?.close();
	source = null;
}

// Over HTTP/1.1 a browser allows a site six connections. A tab that nobody sees gives its own back, since
// otherwise a seventh tab would not even load. When it is seen again, the stream continues after its last id.

let hiding;

function pause() {
	close();
	tell('paused');
}

function seenOrHidden() {
	clearTimeout(hiding);
	if (document.hidden) hiding = setTimeout(pause, HIDDEN_FOR);
	else open();
}

if (window.EventSource) {
	document.addEventListener('visibilitychange', seenOrHidden);
	addEventListener('pagehide', () => {
		pause(); // The page may live on in the browser's back/forward cache.
		remember();
	});
	addEventListener('pageshow', () => {
		open();
		seenOrHidden();
	});
}

// The table.

const rows = new Map(); // by event id, in the table's order
let batch = [];         // events that wait for the next frame
let frame = 0;

function receive(evt) {
	lastId = evt.lastEventId;
	tell('live');
	batch.push(evt);
	// Events can come faster than frames, and a hidden tab gets no frames at all.
	if (batch.length >= 2 * ROWS_KEPT) batch = batch.slice(-ROWS_KEPT);
	frame ||= requestAnimationFrame(show);
}

function show() {
	const events = batch.slice(-ROWS_KEPT);
	batch = [];
	frame = 0;
	const hold = holdStill();
	for (const evt of events) {
		// A server that can't place our last id replays all that it retains, so a row may come again, and moves to
		// the end with those around it. No event is left out: ids fall where a source restarts its numbering.
		remove(evt.lastEventId);
		const row = tbody.insertRow();
		row.title = 'id ' + evt.lastEventId;
		if (events.length === 1) row.className = 'fresh';
		fill(row, evt);
		rows.set(evt.lastEventId, row);
	}
	for (const id of rows.keys()) {
		if (rows.size <= ROWS_KEPT) break;
		remove(id);
	}
	hold();
	follow();
}

function remove(id) {
	rows.get(id)?.remove();
	rows.delete(id);
}

// remember and recall have the table come again when the reader reloads the page, or goes back to it where the browser
// does not cache it: Firefox caches no page that has had a stream. The server replays the events from the first row's
// on. What is stored belongs to the tab; history.state can't be changed any more when a reload begins.
function remember() {
	if (batch.length > 0) show();
	const [first] = rows.keys();
	if (!Number.isSafeInteger(Number(first))) return;
	try {
		sessionStorage.setItem(location.href, first - 1);
	} catch {} // The reader allows no storage.
}

function recall() {
	const [{ type }] = performance.getEntriesByType('navigation');
	try {
		if (type === 'navigate') sessionStorage.removeItem(location.href);
		return sessionStorage.getItem(location.href);
	} catch {
		return null;
	}
}

// Data goes in as text, never as HTML.
function fill(row, evt) {
	const [timestamp, message] = parse(evt.data);
	const cell = row.insertCell();
	cell.textContent = timestamp;
	const text = row.insertCell();
	text.textContent = message;
	if (evt.type !== 'message') text.dataset.name = evt.type;
	const time = new Date(timestamp * 1000);
	if (timestamp !== '' && !isNaN(time)) {
		cell.dataset.local = clock.format(time);
		cell.title = time;
	}
}

// What is not the demo's JSON is shown as it is. So is a number that JavaScript can't hold exactly.
function parse(data) {
	try {
		const { timestamp, message } = JSON.parse(data);
		if (Math.abs(timestamp) <= Number.MAX_SAFE_INTEGER && typeof timestamp === 'number' && typeof message === 'string') {
			return [timestamp, message];
		}
	} catch {}
	return ['', data];
}

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });

// New rows are followed only while the reader is at the end.

let following = true;
let leaving = 0; // until when a reader may be on the way up, by performance.now

function follow() {
	if (following && performance.now() > leaving) scrollTo(0, document.documentElement.scrollHeight);
}

addEventListener('scroll', () => {
	// Positions may be fractions. More room than that would hold on to a reader who is about to leave.
	following = scrollY + innerHeight >= document.documentElement.scrollHeight - 2;
	latest.hidden = following;
});
addEventListener('resize', follow);
latest.onclick = () => {
	following = true;
	leaving = 0;
	follow();
};

// To follow ends the browser's own scrolling. With many events a second it would never get anywhere.
function leave() {
	leaving = performance.now() + LEAVE;
}

let touched; // where the finger last was
addEventListener('wheel', evt => {
	if (evt.deltaY < 0) leave();
}, { passive: true });
addEventListener('touchstart', evt => touched = evt.touches[0].clientY, { passive: true });
addEventListener('touchmove', evt => {
	if (evt.touches[0].clientY > touched) leave();
	touched = evt.touches[0].clientY;
}, { passive: true });
addEventListener('keydown', evt => {
	if (['ArrowUp', 'PageUp', 'Home'].includes(evt.key)) leave();
});

// holdStill returns a function that puts what a reader sees back in its place after rows above it have gone.
// Other browsers than WebKit do that by themselves.
function holdStill() {
	if (following || CSS.supports('overflow-anchor', 'auto')) return () => {};
	const row = [...rows.values()].find(row => row.getBoundingClientRect().top >= 0);
	const before = row?.getBoundingClientRect().top;
	return () => {
		if (row?.isConnected) scrollBy(0, row.getBoundingClientRect().top - before);
	};
}
