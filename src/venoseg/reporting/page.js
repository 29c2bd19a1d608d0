// Reads the values under the pointer from the words that stand beside every profile.
"use strict";
for (const course of document.querySelectorAll(".course")) {
  const stations = JSON.parse(course.querySelector("script").textContent);
  const axis = Object.fromEntries(["left", "right", "from", "to"].map(n => [n, Number(course.dataset[n])]));
  const pointer = document.createElement("div");
  pointer.className = "pointer";
  pointer.hidden = true;
  const reading = document.createElement("div");
  reading.className = "reading";
  reading.textContent = "Move the pointer along the vein, or press the arrow keys, to read the figures.";
  reading.setAttribute("role", "status");
  course.append(pointer);
  course.after(reading);
  course.tabIndex = 0;
  let station = 0;

  function show(n) {
    station = Math.max(0, Math.min(stations.lines.length - 1, n));
    const position = stations.first + station * stations.step;
    const share = axis.left + (axis.right - axis.left) * (position - axis.from) / (axis.to - axis.from);
    pointer.style.left = `${100 * share}%`;
    pointer.hidden = false;
    reading.textContent = stations.lines[station];
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
