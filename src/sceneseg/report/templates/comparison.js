
/* Scatter plots: the point nearest to the pointer in words. */
for (const svg of all("svg[data-scatter]")) {
  const points = JSON.parse(svg.dataset.scatter);
  const say = reader(svg);
  const ring = svg.querySelector(".ring");
  const order = points.map((_, i) => i).sort((a, b) => points[a][0] - points[b][0]);
  let at = -1;

  function show(i) {
    const [x, y, text] = points[i];
    svg.classList.add("read");
    ring.setAttribute("cx", x);
    ring.setAttribute("cy", y);
    say(text);
  }
  function leave() {
    svg.classList.remove("read");
    say();
  }
  readable(svg, ALONG, {
    near: ({ x, y }) => {
      const far = points.map(([px, py]) => Math.hypot(px - x, py - y));
      const i = far.indexOf(Math.min(...far));
      if (far[i] < 60) show(i); else leave();
    },
    move: (step) => {
      at = clamp(at + step, 0, order.length - 1);
      show(order[at]);
    },
    leave,
  });
}

/* Tables: a click on a head sorts by it, the better end first; another click turns the order round. */
for (const table of all("table.sortable")) {
  const body = table.tBodies[0];
  all("thead button", table).forEach((button) => {
    button.addEventListener("click", () => {
      const head = button.closest("th");
      const column = [...head.parentElement.children].indexOf(head);
      const was = head.getAttribute("aria-sort");
      const first = head.dataset.first ?? "ascending";
      const order = was === first ? (first === "ascending" ? "descending" : "ascending") : first;
      const value = (row) => {
        const text = row.children[column].dataset.value ?? row.children[column].textContent.trim();
        return text === "" ? NaN : Number.isNaN(Number(text)) ? text : Number(text);
      };
      const rows = [...body.rows].filter((row) => !row.classList.contains("unranked"));
      rows.sort((a, b) => {
        const [x, y] = [value(a), value(b)];
        if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y); // gaps stay last
        const sign = order === "ascending" ? 1 : -1;
        return sign * (typeof x === "string" ? x.localeCompare(String(y)) : x - y);
      });
      all("th[aria-sort]", table).forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", order);
      body.prepend(...rows);
    });
  });
}

/* Scenes: two of image, truth and predictions, one left and one right of the slider. */
const sides = { left: document.querySelector("#left"), right: document.querySelector("#right") };
if (sides.left) {
  const scenes = all(".versus");
  const names = Object.fromEntries([...sides.left.options].map((option) => [option.value, option.textContent]));

  for (const scene of scenes) scene.querySelector(".base").src = scene.querySelector('[data-of="image"] img').src;

  function draw() {
    for (const scene of scenes) {
      for (const [side, select] of Object.entries(sides)) {
        const source = scene.querySelector(`[data-of="${CSS.escape(select.value)}"] img`);
        const target = scene.querySelector(`.scene img.${side}`);
        if (source) [target.src, target.alt] = [source.src, source.alt];
        scene.querySelector(`.tag.${side}`).textContent = names[select.value];
      }
      for (const button of all(".strip button", scene)) {
        button.setAttribute("aria-pressed", button.dataset.of === sides.left.value);
      }
    }
  }
  for (const select of Object.values(sides)) select.addEventListener("change", draw);
  for (const button of all(".strip button")) {
    button.addEventListener("click", () => { sides.left.value = button.dataset.of; draw(); });
  }
  draw();
  for (const hidden of all(".versus .scene, .choices")) hidden.hidden = false;
}
