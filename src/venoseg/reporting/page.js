// Shows the section and the figures under the pointer while it moves along a profile.
"use strict";

function glance(stations) {
  const box = document.createElement("div");
  box.className = "glance";
  box.setAttribute("aria-hidden", "true");
  box.style.backgroundImage = `url(${stations.uri})`;
  const zoom = 192 / stations.side;
  box.style.backgroundSize = `${192 * stations.columns}px auto`;
  const side = stations.side;
  const places = [[7, side / 2], [side - 7, side / 2], [side / 2, 6], [side / 2, side - 6]];
  return {
    box,
    show(station) {
      const n = Math.min(Math.round(station / stations.stride), stations.outlines.length - 1);
      const column = n % stations.columns;
      const row = Math.floor(n / stations.columns);
      box.style.backgroundPosition = `${-column * side * zoom}px ${-row * side * zoom}px`;
      const lumens = stations.outlines[n].map(one => `<polygon points="${one.map(tenths => tenths / 10).join(" ")}"/>`);
      const letters = places.map(([x, y], k) => `<text x="${x}" y="${y}">${stations.sides[n][k]}</text>`);
      box.innerHTML = `<svg viewBox="0 0 ${side} ${side}">${lumens.join("")}${letters.join("")}</svg>`;
    },
  };
}

for (const course of document.querySelectorAll(".course")) {
  const stations = JSON.parse(course.querySelector("script").textContent);
  const axis = Object.fromEntries(["left", "right", "from", "to"].map(n => [n, Number(course.dataset[n])]));
  const pointer = document.createElement("div");
  pointer.className = "pointer";
  pointer.hidden = true;
  const reading = document.createElement("div");
  reading.className = "reading";
  const words = document.createElement("p");
  words.setAttribute("role", "status");
  words.textContent = "Move the pointer along the vein, or press the arrow keys, to see its sections and read the figures.";
  const section = glance(stations);
  reading.append(section.box, words);
  course.append(pointer);
  course.after(reading);
  course.tabIndex = 0;
  let station = stations.start;
  section.show(station);

  function show(n) {
    station = Math.max(0, Math.min(stations.lines.length - 1, n));
    const position = stations.first + station * stations.step;
    const share = axis.left + (axis.right - axis.left) * (position - axis.from) / (axis.to - axis.from);
    pointer.style.left = `${100 * share}%`;
    pointer.hidden = false;
    words.textContent = stations.lines[station];
    section.show(station);
  }

  course.addEventListener("pointermove", event => {
    const box = course.getBoundingClientRect();
    const share = (event.clientX - box.left) / box.width;
    const position = axis.from + (axis.to - axis.from) * (share - axis.left) / (axis.right - axis.left);
    show(Math.round((position - stations.first) / stations.step));
  });
  course.addEventListener("pointerleave", () => { pointer.hidden = true; });
  course.addEventListener("keydown", event => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step) { event.preventDefault(); show(station + step); }
  });
}
