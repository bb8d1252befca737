/** Pictures and silence for pretended tracks. */

/** @returns {MediaStreamTrack} */
export function silence() {
  const context = new AudioContext();
  const out = context.createMediaStreamDestination();
  const tone = context.createOscillator();
  const gain = context.createGain();
  gain.gain.value = 0;
  tone.connect(gain).connect(out);
  tone.start();
  return out.stream.getAudioTracks()[0];
}

/**
 * A person or a screen, moving a little.
 * @param {{ shape?: number[], bright?: boolean, hue?: number }} person hue: degrees, to tell people apart
 * @param {string} source
 * @returns {MediaStreamTrack}
 */
export function picture({ shape = [1280, 720], bright = false, hue = 0 }, source) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = source === "screen" ? [1600, 900] : shape;
  const draw = source === "screen" ? drawSlides : drawRoom;
  const pen = canvas.getContext("2d");
  if (hue) pen.filter = `hue-rotate(${hue}deg)`;
  let tick = 0;
  const step = () => draw(pen, canvas.width, canvas.height, (tick += 1), bright);
  step();
  setInterval(step, 100);
  return canvas.captureStream(10).getVideoTracks()[0];
}

function drawRoom(pen, w, h, tick, bright) {
  const wall = pen.createLinearGradient(0, 0, w, h);
  wall.addColorStop(0, bright ? "#fdfdfb" : "#e9cdb4");
  wall.addColorStop(1, bright ? "#f0eee8" : "#a3674d");
  pen.fillStyle = wall;
  pen.fillRect(0, 0, w, h);
  pen.fillStyle = bright ? "#d9d4c8" : "#7d4a37";
  pen.fillRect(0, h * 0.78, w, h * 0.22);
  const middle = w / 2 + Math.sin(tick / 14) * w * 0.01;
  const unit = Math.min(w, h);
  pen.fillStyle = "#2d3a55";
  pen.beginPath();
  pen.ellipse(middle, h * 0.98, unit * 0.36, unit * 0.42, 0, Math.PI, 0);
  pen.fill();
  pen.fillStyle = "#f2c9a8";
  pen.fillRect(middle - unit * 0.05, h * 0.42 + unit * 0.08, unit * 0.1, unit * 0.16);
  pen.beginPath();
  pen.ellipse(middle, h * 0.42, unit * 0.125, unit * 0.16, 0, 0, Math.PI * 2);
  pen.fill();
  pen.fillStyle = "#2a1c18";
  pen.beginPath();
  pen.ellipse(middle, h * 0.42 - unit * 0.06, unit * 0.15, unit * 0.13, 0, Math.PI, 0);
  pen.fill();
  pen.fillStyle = "#ff5a3c";
  pen.fillRect(middle + unit * 0.26, h * 0.56, unit * 0.13, unit * 0.2);
  pen.fillStyle = "#fff";
  pen.fillRect(middle + unit * 0.28, h * 0.6, unit * 0.09, unit * 0.05);
}

function drawSlides(pen, w, h, tick) {
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, w, h);
  pen.fillStyle = "#14171d";
  pen.font = "700 64px sans-serif";
  pen.fillText("Spring collection 2026", 90, 150);
  for (let column = 0; column < 6; column += 1) {
    const tall = 180 + 120 * Math.sin(column + tick / 20);
    pen.fillStyle = column % 2 ? "#3b82f6" : "#ff5a3c";
    pen.fillRect(110 + column * 230, h - 110 - tall, 150, tall);
  }
}
