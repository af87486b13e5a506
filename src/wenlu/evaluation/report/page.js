"use strict";

// Sort a table by the column whose head is pressed; numbers by size, words by the Chinese order.
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, at) => {
    const button = document.createElement("button");
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((each) => each.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const value = (row) => row.cells[at].textContent.trim();
      const size = (row) => parseFloat(value(row).replace(/,/g, "").replace("–", "-1"));
      const order = head.classList.contains("n")
        ? (a, b) => size(a) - size(b)
        : (a, b) => value(a).localeCompare(value(b), "zh-Hans");
      const rows = [...table.tBodies[0].rows].sort((a, b) => (down ? order(b, a) : order(a, b)));
      table.tBodies[0].append(...rows);
    });
  });
}

// Read values off the lines of a chart, with the pointer or with the arrow keys.
for (const plot of document.querySelectorAll(".plot[data-readings]")) {
  const points = JSON.parse(plot.dataset.readings);
  if (!points.length) continue;
  const dot = plot.appendChild(document.createElement("span"));
  const words = plot.appendChild(document.createElement("output"));
  dot.className = "dot";
  words.className = "reading";
  const order = [...points].sort((a, b) => a[0] - b[0]);
  let current = -1;
  const show = (point) => {
    const [along, up, text] = point;
    dot.style.left = words.style.left = `${along / 10}%`;
    dot.style.top = `${100 - up / 10}%`;
    words.style.setProperty("--shift", `${-along / 10}%`);
    words.textContent = text;
    plot.classList.add("reading-on");
  };
  const hide = () => plot.classList.remove("reading-on");
  plot.tabIndex = 0;
  plot.addEventListener("pointermove", (event) => {
    const box = plot.getBoundingClientRect();
    const x = (event.clientX - box.left) / box.width;
    const y = 1 - (event.clientY - box.top) / box.height;
    const far = (p) => Math.hypot((p[0] / 1000 - x) * 3, p[1] / 1000 - y);
    const nearest = order.reduce((a, b) => (far(b) < far(a) ? b : a));
    current = order.indexOf(nearest);
    show(nearest);
  });
  plot.addEventListener("pointerleave", hide);
  plot.addEventListener("blur", hide);
  plot.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    current = Math.min(Math.max(current + step, 0), order.length - 1);
    show(order[current]);
  });
}

// On paper nothing can be opened with a click.
addEventListener("beforeprint", () => {
  document.querySelectorAll("details").forEach((each) => (each.open = true));
});
