// Times as "5 minutes ago", the exact time of the reader's zone on hover and focus.
const UNITS = [
  ["year", 31536000],
  ["month", 2592000],
  ["week", 604800],
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
];
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });
const tip = document.createElement("div");
tip.className = "tip";
tip.id = "exact-time";
tip.role = "tooltip";
tip.popover = "manual";

const say = (moment) => {
  const seconds = (moment - Date.now()) / 1000;
  const unit = UNITS.find(([, length]) => Math.abs(seconds) >= length);
  return unit ? relative.format(Math.round(seconds / unit[1]), unit[0]) : "just now";
};

const times = [...document.querySelectorAll("time[data-relative]")];
const update = () => {
  for (const time of times) time.textContent = say(new Date(time.dateTime));
};

const open = (event) => {
  const time = event.currentTarget;
  tip.textContent = exact.format(new Date(time.dateTime));
  time.setAttribute("aria-describedby", tip.id);
  tip.showPopover();
  const box = time.getBoundingClientRect();
  const left = Math.min(box.left, innerWidth - tip.offsetWidth - 8);
  const above = box.top - tip.offsetHeight - 6;
  tip.style.left = `${Math.max(8, left)}px`;
  tip.style.top = `${above < 8 ? box.bottom + 6 : above}px`;
};
const close = (event) => {
  event.currentTarget.removeAttribute("aria-describedby");
  tip.hidePopover();
};

if (times.length) {
  document.body.append(tip);
  for (const time of times) {
    time.tabIndex = 0;
    time.addEventListener("pointerenter", open);
    time.addEventListener("focus", open);
    time.addEventListener("pointerleave", close);
    time.addEventListener("blur", close);
  }
  addEventListener("keydown", (event) => {
    if (event.key === "Escape") tip.hidePopover();
  });
  update();
  setInterval(update, 30000);
}
