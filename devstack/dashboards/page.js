// Draws the dashboards of deploy/observability from Prometheus: the last 15 minutes, anew every five seconds.
const SPAN = 900, STEPS = 120, EVERY = 5000, WIDTH = 480, HEIGHT = 160, LEFT = 52;
const SHORT = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });
const hue = (index) => `hsl(${(index * 67) % 360} 65% 50%)`;

async function ask(prometheus, path, parameters) {
  const answer = await fetch(`${prometheus}/api/v1/${path}?${new URLSearchParams(parameters)}`);
  const told = await answer.json();
  if (told.status !== "success") throw new Error(told.error);
  return told.data;
}

const legendOf = (pattern, labels) => pattern.replace(/\{\{(\w+)\}\}/g, (_, name) => labels[name] ?? "–");

async function series(prometheus, panel) {
  const end = Date.now() / 1000, range = { start: end - SPAN, end, step: SPAN / STEPS };
  const asked = Object.entries(panel.queries).map(async ([legend, query]) => {
    const data = await ask(prometheus, "query_range", { ...range, query: query.replaceAll("$__rate_interval", "1m") });
    return data.result.map((each) => ({ legend: legendOf(legend, each.metric), values: each.values }));
  });
  return { start: range.start, lines: (await Promise.all(asked)).flat() };
}

function node(name, attributes = {}, text = "") {
  const space = ["svg", "path", "text", "line"].includes(name) ? "http://www.w3.org/2000/svg" : null;
  const made = space ? document.createElementNS(space, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
}

function draw(figure, { start, lines }) {
  const numbers = lines.flatMap((line) => line.values.map(([, value]) => Number(value))).filter(Number.isFinite);
  const top = Math.max(...numbers, 0) || 1;
  const picture = node("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img" });
  for (const share of [0, 0.5, 1]) {
    const y = HEIGHT - 8 - share * (HEIGHT - 20);
    picture.append(node("line", { x1: LEFT, x2: WIDTH, y1: y, y2: y, stroke: "currentColor", opacity: 0.15 }));
    picture.append(node("text", { x: 0, y: y + 3 }, SHORT.format(top * share)));
  }
  const list = node("ul");
  lines.forEach((line, index) => {
    const points = line.values.map(([time, value]) => {
      const x = LEFT + ((time - start) / SPAN) * (WIDTH - LEFT);
      return `${x.toFixed(1)} ${(HEIGHT - 8 - (Number(value) / top) * (HEIGHT - 20)).toFixed(1)}`;
    });
    picture.append(node("path", { d: `M${points.join("L")}`, fill: "none", stroke: hue(index), "stroke-width": 1.5 }));
    const last = Number(line.values.at(-1)[1]);
    list.append(node("li", { style: `--of:${hue(index)}` }, `${line.legend} ${SHORT.format(last)}`));
  });
  if (!lines.length) list.append(node("li", { class: "nothing" }, "nothing to show yet"));
  figure.replaceChildren(figure.firstChild, picture, list);
}

async function main() {
  const { prometheus, boards } = await (await fetch("/boards.json")).json();
  const current = () => boards.find((board) => `#${board.uid}` === location.hash) ?? boards[0];
  let figures = [];
  function open() {
    const links = boards.map((board) => node("a", { href: `#${board.uid}` }, board.title));
    links[boards.indexOf(current())].setAttribute("aria-current", "page");
    document.getElementById("boards").replaceChildren(...links);
    figures = current().panels.map((panel) => {
      const figure = node("figure");
      figure.append(node("figcaption", {}, `${panel.title} (${panel.unit})`));
      return { panel, figure };
    });
    document.getElementById("panels").replaceChildren(...figures.map((each) => each.figure));
  }
  async function refresh() {
    await Promise.allSettled(figures.map(async ({ panel, figure }) => draw(figure, await series(prometheus, panel))));
    const { alerts } = await ask(prometheus, "alerts", {});
    const firing = alerts.filter((alert) => alert.state === "firing");
    document.getElementById("alerts").replaceChildren(
      ...firing.map((alert) => node("p", {}, `${alert.labels.alertname}: ${alert.annotations.summary}`)));
  }
  addEventListener("hashchange", () => { open(); refresh(); });
  open();
  await refresh();
  setInterval(refresh, EVERY);
}

main();
