// The header says what state the stream is in, and which topics it has.

const STATES = {
	waiting: 'Waiting for messages...',
	live: 'Live',
	lost: 'Connection lost, retrying...',
	late: 'Not open after five seconds, still trying...',
	paused: 'Paused while this tab is hidden',
	refused: 'Refused',
	unsupported: 'Server-sent events are not supported by this browser',
};

const header = document.getElementById('header');

// tell shows a state, and after it the reason, where one is given.
export function tell(state, reason) {
	if (header.dataset.state === state) return;
	header.dataset.state = state;
	header.textContent = reason ? STATES[state] + ': ' + reason : STATES[state];
}

// showTopics shows the topics that the page's own URL names. They are anybody's text, so they are shown as text alone.
export function showTopics(topics) {
	if (topics.length === 0) return;
	const text = topics.map(topic => topic || 'the default topic').join(', ');
	const shown = document.querySelector('.topics');
	shown.textContent = shown.title = text;
	shown.hidden = false;
	document.title = text + ' · ' + document.title;
}
