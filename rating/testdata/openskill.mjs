// Writes openskill.json: matches, and the ratings that npm openskill 5.0.1 gives.
// In an empty folder: npm install openskill@5.0.1 && node openskill.mjs > openskill.json
import { rate } from "openskill";

// A small generator of our own, so that the file is the same each time.
let state = 20260301;
const random = () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
};
const round = (x) => Math.round(x * 100) / 100;
const player = () => ({ mu: round(random() * 50), sigma: round(0.5 + random() * 9) });
const team = (n) => Array.from({ length: n }, player);
const fresh = () => ({ mu: 25, sigma: 25 / 3 });

const matches = [
  ["two new players, one wins", [[fresh()], [fresh()]], [1, 2]],
  ["two new players draw", [[fresh()], [fresh()]], [1, 1]],
  ["the second of two wins", [[fresh()], [fresh()]], [2, 1]],
  ["the favourite wins", [[{ mu: 35, sigma: 2 }], [{ mu: 15, sigma: 2 }]], [1, 2]],
  ["the favourite loses", [[{ mu: 35, sigma: 2 }], [{ mu: 15, sigma: 2 }]], [2, 1]],
  ["a sure player against a new one", [[{ mu: 30, sigma: 0.5 }], [fresh()]], [2, 1]],
  ["negative skill", [[{ mu: -5, sigma: 3 }], [{ mu: 4, sigma: 6 }]], [1, 2]],
  ["four teams of one, five and two", [team(1), team(5), team(2), team(2)], [3, 1, 4, 2]],
  ["five against five", [team(5), team(5)], [2, 1]],
  ["three teams, the first two draw", [team(2), team(2), team(2)], [1, 1, 2]],
  ["three teams, the last two draw", [team(3), team(3), team(3)], [1, 2, 2]],
  ["three teams all draw", [team(1), team(2), team(3)], [7, 7, 7]],
  ["ranks with gaps and below zero", [team(1), team(1), team(1), team(1)], [100, -3, 0, -3]],
  ["eight players, everyone for themselves", Array.from({ length: 8 }, () => team(1)), [5, 3, 8, 1, 2, 7, 6, 4]],
  ["twenty players with ties", Array.from({ length: 20 }, () => team(1)), Array.from({ length: 20 }, (_, i) => (i * 7) % 5)],
  ["one team alone", [team(2)], [1]],
];
for (let i = 0; i < 24; i++) {
  const teams = Array.from({ length: 2 + Math.floor(random() * 4) }, () => team(1 + Math.floor(random() * 4)));
  matches.push([`random ${i}`, teams, teams.map(() => Math.floor(random() * 4))]);
}

const variants = [{}, { limitSigma: true }, { tau: 0 }, { beta: 8, tau: 0.5 }];
const out = matches.flatMap(([name, teams, rank], i) =>
  variants.slice(0, i < 16 ? 4 : 1).map((options) => ({
    name: name + (Object.keys(options).length ? " " + JSON.stringify(options) : ""),
    options,
    ranks: rank,
    before: teams.map((t) => t.map((p) => [p.mu, p.sigma])),
    after: rate(teams, { rank, ...options }).map((t) => t.map((p) => [p.mu, p.sigma])),
  })),
);
console.log("[\n" + out.map((m) => JSON.stringify(m)).join(",\n") + "\n]");
