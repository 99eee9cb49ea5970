// What a screen reader says of new events: one line for all that came since the last. The table itself is not announced,
// since to read out fifty rows takes minutes, and a second may bring as many.

const TOGETHER = 500; // ms after an event, whose other events go into the same line
const REST = 10_000;  // ms from one line to the next at least, in which the reader can do something else
const LONGEST = 200;  // characters of an event that are read out

const log = document.getElementById('announcements');
let count = 0; // events since the last line
let newest;    // the text of the last of them
let timer = 0; // the end of TOGETHER or of REST

export function announce(text) {
	count++;
	newest = text;
	timer ||= setTimeout(speak, TOGETHER);
}

function speak() {
	timer = 0;
	if (count === 0) return;
	const characters = [...newest];
	const text = characters.length > LONGEST ? characters.slice(0, LONGEST).join('') + '…' : newest;
	const line = document.createElement('p');
	line.textContent = count === 1 ? text : `${count} new messages. The last is: ${text}`;
	log.replaceChildren(line);
	count = 0;
	timer = setTimeout(speak, REST);
}
