// The header says what state the stream is in.

const STATES = {
	waiting: 'Waiting for messages...',
	live: 'Live',
	lost: 'Connection lost, retrying...',
	late: 'Not open after five seconds, still trying...',
	paused: 'Paused while this tab is hidden',
	unsupported: 'Server-sent events are not supported by this browser',
};

const header = document.getElementById('header');

export function tell(state) {
	if (header.dataset.state === state) return;
	header.dataset.state = state;
	header.textContent = STATES[state];
}
