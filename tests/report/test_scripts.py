"""The page's own script, run by Node where it is installed: sorting a table and uncovering a scene."""

import json
import shutil
import subprocess

import pytest

from sceneseg.report.render import TEMPLATES

PAGE = """"use strict";
const cell = (value) => ({ dataset: value === null ? {} : { value }, textContent: value ?? "", heard: {},
  addEventListener(kind, heed) { this.heard[kind] = heed; }, attributes: {},
  getAttribute(name) { return this.attributes[name] ?? null; },
  setAttribute(name, to) { this.attributes[name] = to; }, removeAttribute(name) { delete this.attributes[name]; } });
const table = (names, rows) => {
  const row = (values, kind) => ({ children: values.map(cell), classList: { contains: (name) => name === kind } });
  const heads = names.map(([name, first]) => Object.assign(cell(name), { dataset: first ? { first } : {} }));
  heads.forEach((head) => { head.parentElement = { children: heads }; });
  const buttons = heads.map((head) => Object.assign(cell(null), { closest: () => head }));
  const body = { rows: rows.map(([kind, ...values]) => row(values, kind)) };
  body.prepend = (...first) => { body.rows = [...first, ...body.rows.filter((other) => !first.includes(other))]; };
  return { heads, buttons, body, tBodies: [body], querySelectorAll: (wanted) =>
    wanted === "thead button" ? buttons : heads.filter((head) => head.getAttribute("aria-sort") !== null) };
};
const ranking = table([["Model"], ["Mean IoU", "descending"], ["Latency"]], [
  ["", "b", "0.5", "9"], ["", "a", "0.4", "10"], ["", "c", "0.3", ""], ["unranked", "d", "", ""]]);
ranking.heads[1].setAttribute("aria-sort", "descending");
const range = Object.assign(cell("50"), { value: 50, focus() {} });
const scene = Object.assign(cell(null), { style: { setProperty(name, to) { this[name] = to; } },
  querySelector: () => range, getBoundingClientRect: () => ({ left: 100, width: 200 }), setPointerCapture() {},
  hasPointerCapture: () => true });
const document = { querySelector: () => null, querySelectorAll: (wanted) =>
  ({ "table.sortable": [ranking], ".scene": [scene] })[wanted] ?? [] };
const addEventListener = () => {};
"""
STEPS = """
const order = () => ranking.body.rows.map((row) => row.children[0].textContent).join("");
const said = [];
for (const column of [2, 2, 1, 1, 0]) {
  ranking.buttons[column].heard.click();
  said.push([order(), ranking.heads.map((head) => head.getAttribute("aria-sort"))]);
}
scene.heard.pointerdown({ clientX: 150, preventDefault() {} });
said.push(scene.style["--reveal"]);
range.value = 80;
range.heard.input();
said.push(scene.style["--reveal"]);
console.log(JSON.stringify(said));
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="Node isn't installed")
def test_tables_are_sorted_and_scenes_uncovered():
    script = "".join((TEMPLATES / name).read_text() for name in ("page.js", "comparison.js"))
    done = subprocess.run(["node", "-e", PAGE + script + STEPS], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    *sorted_, dragged, typed = json.loads(done.stdout)
    assert sorted_ == [
        ["bacd", [None, None, "ascending"]],  # the fastest first; who wasn't timed stays behind, who has no score last
        ["abcd", [None, None, "descending"]],
        ["bacd", [None, "descending", None]],  # the best first
        ["cabd", [None, "ascending", None]],
        ["abcd", ["ascending", None, None]],
    ]
    assert (dragged, typed) == ("25%", "80%")
