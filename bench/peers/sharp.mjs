// Runs one step with sharp: node sharp.mjs documented|best STEP FILE FOLDER WARM-UP. See measure.py.
//
// "documented" writes a step as https://sharp.pixelplumbing.com does; "best" decodes once for several sizes, has no
// cache and one thread, whose CPU seconds are the fewest.
import { readFileSync } from "node:fs";
import { extname, join } from "node:path";
import sharp from "sharp";

const WIDTHS = [1280, 640, 320, 160];
const WIDTH = 320;
const QUALITY = 82;
const AVIF = { quality: 60, effort: 1, chromaSubsampling: "4:2:0" };

function mark(width) {
  const size = Math.max(10, Math.round(width / 25));
  const box = `width="${size * 8}" height="${size * 2}"`;
  const style = `font-size="${size}" fill="white" fill-opacity="0.6" text-anchor="end"`;
  return Buffer.from(
    `<svg ${box}><text x="${size * 7.5}" y="${size * 1.4}" ${style}>© img-pipeline</text></svg>`,
  );
}

async function watermark(file, folder, options) {
  const image = sharp(file, options);
  const { width } = await image.metadata();
  const target = join(folder, `marked${extname(file)}`);
  const marked = image.composite([{ input: mark(width), gravity: "southeast" }]);
  await (extname(file) === ".jpg" ? marked.jpeg({ quality: 85 }) : marked.png()).toFile(target);
}

function small(file, folder, options) {
  return sharp(file, options).resize(WIDTH).jpeg({ quality: QUALITY }).toFile(join(folder, `${WIDTH}.jpg`));
}

function avif(file, folder, options) {
  return sharp(file, options).resize(WIDTH).avif(AVIF).toFile(join(folder, `${WIDTH}.avif`));
}

function animation(file, folder, options) {
  const image = sharp(file, { ...options, animated: true });
  return image.resize(WIDTH).webp({ quality: QUALITY }).toFile(join(folder, `${WIDTH}.webp`));
}

function save(image, folder, width) {
  return image.resize(width).jpeg({ quality: QUALITY }).toFile(join(folder, `${width}.jpg`));
}

async function setOfClones(file, folder) {
  const image = sharp(file);
  await Promise.all(WIDTHS.map((width) => save(image.clone(), folder, width)));
}

async function setOfOneDecode(file, folder, options) {
  const { data, info } = await sharp(file, options).resize(WIDTHS[0]).raw().toBuffer({ resolveWithObject: true });
  const raw = { width: info.width, height: info.height, channels: info.channels };
  for (const width of WIDTHS) await save(sharp(data, { raw }), folder, width);
}

const BEST = { sequentialRead: true };
const STEPS = {
  documented: { small, set: setOfClones, avif, watermark, animation },
  best: {
    small: (file, folder) => small(file, folder, BEST),
    set: (file, folder) => setOfOneDecode(file, folder, BEST),
    avif: (file, folder) => avif(file, folder, BEST),
    watermark: (file, folder) => watermark(file, folder, BEST),
    animation: (file, folder) => animation(file, folder, BEST),
  },
};

const [how, step, file, folder, warmUp] = process.argv.slice(2);
if (how === "best") {
  sharp.cache(false);
  sharp.concurrency(1);
}
await STEPS[how][step](warmUp, join(folder, "warm-up"));
const before = process.cpuUsage();
await STEPS[how][step](file, folder);
const { user, system } = process.cpuUsage(before);
const [, peak] = /VmHWM:\s+(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"));
console.log(JSON.stringify({ cpuSeconds: (user + system) / 1e6, peakMb: peak / 1024 }));
