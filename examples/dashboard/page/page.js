const SHOWN = 60; // figures of each panel
const state = document.getElementById('state');
const main = document.getElementById('panels');
const panels = new Map(); // by name: what shows one, and its figures
const wanted = new URLSearchParams(location.search).getAll('panel'); // as in /?panel=cpu&panel=memory
let stream, timer;

function open() {
	clearTimeout(timer);
	// A new EventSource gets the last minute at once. One that reconnects sends its last ID, and gets what it has missed.
	// 新的 EventSource 立刻得到最近一分钟的数据；重连的会带上最后一个编号，补上错过的数据。
	stream = new EventSource('events?' + new URLSearchParams(wanted.map(name => ['panel', name])));
	panels.clear();
	main.replaceChildren();
	stream.onopen = () => tell('Live');
	stream.onerror = () => {
		tell('The server is away');
		if (stream.readyState === EventSource.CLOSED) timer = setTimeout(open, 2000 + 2000 * Math.random());
	};
	stream.addEventListener('panels', evt => JSON.parse(evt.data).forEach(add));
	// The server has restarted, or the page was away for long: what it missed is lost, so the line has a gap, too.
	// 服务器重启或离开太久：错过的数据哪里都没有了，曲线上也留一个缺口。
	stream.addEventListener('gap', () => panels.forEach(panel => panel.figures.push(null)));
}

// add adds a panel, unless it is there already, and listens to its events.
function add({ name, title, unit }) {
	if (panels.has(name) || wanted.length > 0 && !wanted.includes(name)) return;
	const figure = document.getElementById('panel').content.firstElementChild.cloneNode(true);
	figure.dataset.name = name;
	figure.querySelector('figcaption').textContent = title;
	main.append(figure);
	const panel = { figure, unit, figures: [] };
	panels.set(name, panel);
	stream.addEventListener(name, evt => {
		panel.figures.push(JSON.parse(evt.data));
		panel.figures.splice(0, panel.figures.length - SHOWN);
		show(panel);
	});
}

function show({ figure, unit, figures }) {
	const { at, value } = figures.at(-1);
	figure.querySelector('output').value = value.toLocaleString(undefined, { maximumFractionDigits: 1 }) + ' ' + unit;
	figure.title = new Date(at).toLocaleTimeString();
	figure.dataset.figures = figures.length;
	const most = Math.max(1, ...figures.map(f => f?.value ?? 0)) * 1.1;
	let pen = 'M';
	const path = figures.map((f, i) => {
		if (!f) return pen = 'M', '';
		const step = pen + (i + SHOWN - figures.length) + ' ' + (20 - 20 * f.value / most).toFixed(2);
		pen = 'L';
		return step;
	});
	figure.querySelector('path').setAttribute('d', path.join(''));
}

function tell(text) {
	state.textContent = text;
	main.classList.toggle('stale', text !== 'Live');
}

open();
