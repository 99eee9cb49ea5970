const [ask, state, answer] = ['ask', 'state', 'answer'].map(id => document.getElementById(id));
let stream, timer;

// follow shows the run that the page's URL names: what was said so far, and each word that comes. So a page that is reloaded,
// or opened elsewhere, goes on where the answer is.
// 页面的 URL 里有这次运行的编号：先显示已有的部分，再接着显示每个词。刷新页面，或者在别处打开，都从原处继续。
async function follow() {
	clearTimeout(timer);
	stream?.close();
	const run = location.hash.slice(1);
	if (!run) return;
	try {
		const response = await fetch('runs/' + encodeURIComponent(run));
		if (run !== location.hash.slice(1)) return; // Another was asked for meanwhile.
		if (response.status === 404) return tell('This answer is gone');
		if (!response.ok) throw response.status;
		const { text, last, ended } = await response.json();
		answer.textContent = text;
		tell(ended ? 'Ended' : 'Answering …');
		if (!ended) listen(run, last);
	} catch {
		tell('The server is away');
		again();
	}
}

function listen(run, last) {
	const mine = stream = new EventSource(`runs/${run}/events?lastEventId=${last}`);
	mine.onmessage = evt => answer.append(JSON.parse(evt.data));
	// The end is an event: without it the browser would take the end of the stream for a lost connection, and reconnect.
	// 结束是一个事件：否则浏览器会以为断线了，又去重连。
	mine.addEventListener('end', () => {
		mine.close();
		tell('Ended');
	});
	mine.addEventListener('gap', again);
	mine.onerror = () => {
		if (mine === stream && mine.readyState === EventSource.CLOSED) again();
	};
}

function again() {
	clearTimeout(timer);
	timer = setTimeout(follow, 1000 + 1000 * Math.random());
}

function tell(text) {
	state.textContent = text;
}

ask.onsubmit = async evt => {
	evt.preventDefault();
	const response = await fetch('runs', { method: 'POST', body: new URLSearchParams(new FormData(ask)) });
	if (!response.ok) return tell(await response.text());
	location.hash = (await response.json()).run; // and follow is called
};

addEventListener('hashchange', follow);
follow();
