// Counts down, and asks the app every two seconds how the token is. Without this script a reload shows the same.
"use strict";
(() => {
  const POLL_MILLISECONDS = 2000;
  const panel = document.getElementById("token");
  const part = (id) => document.getElementById(id);
  let ahead = Number(panel.dataset.now) - Date.now() / 1000; // how far the app's clock is ahead of ours, in seconds
  let token = {
    fingerprint: panel.dataset.fingerprint,
    came_at: Number(panel.dataset.cameAt),
    expires_at: panel.dataset.expiresAt === "" ? null : Number(panel.dataset.expiresAt),
  };

  const two = (number) => String(number).padStart(2, "0");
  const timeOfDay = (seconds) => {
    const date = new Date(seconds * 1000);
    return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  };
  const timeLeft = (seconds) => {
    const hours = Math.floor(seconds / 3600);
    const minutes = Math.floor(seconds / 60) % 60;
    return hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
  };

  function countDown() {
    if (token.expires_at === null) return;
    const left = Math.max(0, token.expires_at - (Date.now() / 1000 + ahead));
    part("clock").textContent = timeLeft(Math.floor(left));
    part("clock-words").textContent = left > 0 ? "left" : "run out";
    part("life").value = Math.min(1, left / Math.max(1, token.expires_at - token.came_at));
  }

  function element(name, text, className) {
    const made = document.createElement(name);
    made.textContent = text;
    if (className) made.className = className;
    return made;
  }

  function writeLine(sighting) {
    const line = element("li", "", "new");
    const until = sighting.expires_at === null ? "no end known" : `good until ${timeOfDay(sighting.expires_at)}`;
    line.append(
      element("time", timeOfDay(sighting.came_at)), " ",
      element("span", sighting.kind === "refreshed" ? "Token refreshed" : "Signed in", "what"), " ",
      element("span", until, "soft"), " ",
      element("code", sighting.fingerprint.slice(0, 4)),
    );
    part("log").prepend(line);
    part("log").scrollTop = 0;
  }

  function drawMark(fingerprint) {
    part("mark").textContent = fingerprint.match(/.{4}/g).join(" ");
    [...part("bars").querySelectorAll("rect")].forEach((bar, place) => {
      const digit = parseInt(fingerprint[place], 16);
      bar.setAttribute("y", 15 - digit);
      bar.setAttribute("height", digit + 1);
    });
  }

  function take(status) {
    ahead = status.now - Date.now() / 1000;
    const known = status.sightings.findIndex((each) => each.fingerprint === token.fingerprint);
    status.sightings.slice(0, known < 0 ? 1 : known).reverse().forEach(writeLine);
    token = status.sightings[0];
    drawMark(token.fingerprint);
    countDown();
  }

  function say(text, link) {
    const notice = part("notice");
    notice.hidden = !text;
    if (notice.textContent !== text) notice.textContent = text;
    if (link) notice.append(" ", link);
  }

  async function poll() {
    let again = true;
    try {
      const response = await fetch("/status", { headers: { Accept: "application/json" }, cache: "no-store" });
      if (response.ok) {
        take(await response.json());
        say("");
      } else if (response.status === 401) {
        again = false;
        const link = element("a", "Sign in again");
        link.href = "/";
        say("You are signed out.", link);
      } else if (response.status === 503) {
        say("FotoWeb can't be reached, and the token has run out. Trying again.");
      } else {
        say(`The token has run out and can't be renewed (status ${response.status}). The terminal says why. Trying again.`);
      }
    } catch {
      say("The demo does not answer. Is it still running?");
    }
    if (again) setTimeout(poll, POLL_MILLISECONDS);
  }

  countDown();
  setInterval(countDown, 250);
  setTimeout(poll, POLL_MILLISECONDS);
})();
