// The table has a row for each of the last events.

import { follow, holdStill } from './scroll.js';

const ROWS_KEPT = 500;
const ROWS_A_FRAME = 50; // so that the page answers its reader also while thousands of events come, or are replayed

const tbody = document.getElementById('messagesTable').tBodies[0];
const blank = document.getElementById('row').content.firstElementChild;
const rows = new Map(); // by event ID, in the table's order; a gap has an ID that is no number
let queue = [];         // events and gaps that wait for a frame
let frame = 0;

// add has an event shown with one of the next frames.
export function add(evt) {
	queue.push(evt);
	// Events can come faster than rows are made, and a hidden tab gets no frames at all. So the queue is cut: what
	// ROWS_KEPT other events follow would not stay in the table anyway.
	if (queue.length >= 2 * ROWS_KEPT) queue = queue.slice(-ROWS_KEPT);
	frame ||= requestAnimationFrame(show);
}

// addGap has a row shown which says that messages are missing after the event with an ID.
export function addGap(id) {
	add({ gap: true, lastEventId: 'gap after ' + id });
}

function show() {
	queue = queue.slice(-ROWS_KEPT);
	const events = queue.splice(0, ROWS_A_FRAME);
	const hold = holdStill(rows.values());
	const fresh = document.createDocumentFragment();
	for (const evt of events) {
		// A server that can't place the last ID replays all that it retains, so an event may come again: its row moves to
		// the end. No event is left out for an ID that is lower than the last: a source may have restarted its numbering.
		remove(evt.lastEventId);
		const row = evt.gap ? rowOfGap() : rowOf(evt);
		if (events.length === 1) row.classList.add('fresh');
		rows.set(evt.lastEventId, row);
		fresh.append(row);
	}
	tbody.append(fresh);
	for (const id of rows.keys()) {
		if (rows.size <= ROWS_KEPT) break;
		remove(id);
	}
	hold();
	follow();
	frame = queue.length > 0 ? requestAnimationFrame(show) : 0;
}

function remove(id) {
	rows.get(id)?.remove();
	rows.delete(id);
}

// firstId returns the ID of the first row once all events are shown, or undefined where there is none.
export function firstId() {
	while (queue.length > 0) show();
	return [...rows.keys()].find(id => !isNaN(id));
}

// Data goes in as text, never as HTML.
function rowOf(evt) {
	const row = blank.cloneNode(true);
	row.title = 'id ' + evt.lastEventId;
	const [timestamp, message] = parse(evt.data);
	const [cell, text] = row.cells;
	cell.textContent = timestamp;
	text.textContent = message;
	if (evt.type !== 'message') text.dataset.name = evt.type;
	const time = timeOf(timestamp);
	if (timestamp !== '' && !isNaN(time)) {
		cell.dataset.local = clock.format(time);
		cell.title = time;
	}
	return row;
}

// rowOfGap says since when messages are missing: since the one in the last row, in the reader's time.
function rowOfGap() {
	const row = blank.cloneNode(true);
	row.className = 'gap';
	const since = [...rows.values()].at(-1)?.cells[0].dataset.local;
	row.cells[1].textContent = `Messages are missing ${since ? 'since ' + since : 'here'}. The server no longer has them.`;
	return row;
}

// parse returns the timestamp and the message of an event's data, where the data is the demo's JSON. Any other data is the
// message, without a timestamp, and so is JSON with a timestamp that JavaScript can't hold exactly.
export function parse(data) {
	try {
		const { timestamp, message } = JSON.parse(data);
		if (Math.abs(timestamp) <= Number.MAX_SAFE_INTEGER && typeof timestamp === 'number' && typeof message === 'string') {
			return [timestamp, message];
		}
	} catch {}
	return ['', data];
}

// A timestamp is in seconds since 1970, as Unix counts, or in milliseconds, as JavaScript does, or in microseconds.
// Seconds reach 100,000,000,000 in the year 5138, and milliseconds have reached it in 1973.
function timeOf(timestamp) {
	while (Math.abs(timestamp) >= 1e11) timestamp /= 1000;
	return new Date(timestamp * 1000);
}

let clock = { format: time => time.toTimeString().slice(0, 8) };
try {
	clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
} catch {} // Some browsers throw where the system's locale is an odd one.
