"use strict";

const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

/** The pointer's place in the drawing's own units. */
function place(svg, event) {
  return new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
}

/** The chart's caption: says `text`, or what it said at first when there is none. */
function reader(svg) {
  const output = svg.closest("figure").querySelector("output");
  const first = output.textContent;
  return (text) => { output.textContent = text ?? first; };
}

const ALONG = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };

/** Lets a chart be read: `near` gets the pointer's place, `move` the step of an arrow key, `leave` ends it. */
function readable(svg, steps, { near, move, leave }) {
  for (const kind of ["pointermove", "pointerdown"]) svg.addEventListener(kind, (event) => near(place(svg, event)));
  for (const kind of ["pointerleave", "blur"]) svg.addEventListener(kind, leave);
  svg.addEventListener("keydown", (event) => {
    const step = steps[event.key];
    if (!step) return;
    event.preventDefault();
    move(step);
  });
}

/* Curves: charts in one row over the same x are read together. */
for (const row of all(".curves")) {
  const charts = all("svg[data-points]", row).map((svg) => ({
    svg,
    say: reader(svg),
    points: JSON.parse(svg.dataset.points),
    rule: svg.querySelector(".rule"),
    dots: all(".dot", svg),
  })).filter((chart) => chart.points.length);

  function read(x, range) {
    for (const { svg, say, points, rule, dots } of charts) {
      if (svg.dataset.range !== range) continue;
      const near = points.reduce((a, b) => (Math.abs(b[0] - x) < Math.abs(a[0] - x) ? b : a));
      const [px, text, heights] = near;
      svg.classList.add("read");
      say(text);
      rule.setAttribute("transform", `translate(${px} 0)`);
      dots.forEach((dot, i) => {
        dot.style.visibility = heights[i] === null ? "hidden" : "";
        dot.setAttribute("cx", px);
        dot.setAttribute("cy", heights[i] ?? 0);
      });
    }
  }
  function leave() {
    for (const { svg, say } of charts) {
      svg.classList.remove("read");
      say();
    }
  }
  for (const { svg, points } of charts) {
    let at = points.length - 1;
    readable(svg, ALONG, {
      near: ({ x }) => read(x, svg.dataset.range),
      move: (step) => {
        at = clamp(at + step, 0, points.length - 1);
        read(points[at][0], svg.dataset.range);
      },
      leave,
    });
  }
}

/* Heat maps: the square under the pointer in words. */
for (const svg of all("svg[data-cells]")) {
  const { rows, columns, permille, origin, cell } = JSON.parse(svg.dataset.cells);
  const say = reader(svg);
  const cursor = svg.querySelector(".cursor");
  let r = 0, c = 0;

  function show() {
    svg.classList.add("read");
    cursor.setAttribute("x", c * cell);
    cursor.setAttribute("y", r * cell);
    say(`${rows[r]} → ${columns[c]}: ${(permille[r][c] / 10).toFixed(1)} %`);
  }
  function leave() {
    svg.classList.remove("read");
    say();
  }
  readable(svg, { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }, {
    near: ({ x, y }) => {
      c = Math.floor((x - origin[0]) / cell);
      r = Math.floor((y - origin[1]) / cell);
      const inside = r >= 0 && c >= 0 && r < rows.length && c < columns.length;
      [r, c] = [clamp(r, 0, rows.length - 1), clamp(c, 0, columns.length - 1)];
      if (inside) show(); else leave();
    },
    move: (step) => {
      [r, c] = [clamp(r + step[0], 0, rows.length - 1), clamp(c + step[1], 0, columns.length - 1)];
      show();
    },
    leave,
  });
}

/* Samples: drag anywhere on the image, or use the arrow keys, to uncover the prediction. */
for (const scene of all(".scene")) {
  const range = scene.querySelector("input");
  const reveal = () => scene.style.setProperty("--reveal", `${range.value}%`);
  function drag(event) {
    const box = scene.getBoundingClientRect();
    range.value = (100 * (event.clientX - box.left)) / box.width;
    reveal();
  }
  range.addEventListener("input", reveal);
  scene.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    scene.setPointerCapture(event.pointerId);
    range.focus({ preventScroll: true, focusVisible: false });
    drag(event);
  });
  scene.addEventListener("pointermove", (event) => {
    if (scene.hasPointerCapture(event.pointerId)) drag(event);
  });
}
for (const strength of all("#strength")) {
  const cover = () => document.querySelector(".scenes").style.setProperty("--strength", strength.value / 100);
  strength.addEventListener("input", cover);
  cover();
}
for (const choice of all("input[name=under]")) {
  choice.addEventListener("change", () => { document.querySelector(".scenes").dataset.under = choice.value; });
}

/* Previews: one epoch at a time. */
for (const scrubber of all(".previews")) {
  const range = scrubber.querySelector("input");
  const frames = all("figure", scrubber);
  range.addEventListener("input", () => {
    frames.forEach((frame, i) => { frame.hidden = i !== Number(range.value); });
    const words = all("figcaption > span", frames[range.value]).map((span) => span.textContent);
    range.setAttribute("aria-valuetext", words.join(", "));
  });
}

/* Commands: copy, also where the browser keeps the clipboard from local files. */
for (const button of all("button.copy")) {
  button.addEventListener("click", async () => {
    const code = button.parentElement.querySelector("code");
    try {
      await navigator.clipboard.writeText(code.textContent);
    } catch {
      getSelection().selectAllChildren(code);
      document.execCommand("copy");
    }
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
}

/* Paper shows everything. */
addEventListener("beforeprint", () => all("details").forEach((details) => { details.open = true; }));
