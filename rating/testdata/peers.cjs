// Rates matches with npm openskill and glicko2, for peers_test.go. One JSON match a line
// comes in at standard input, its new ratings go out, a line each. The folder with the
// packages is the first argument.
const { createRequire } = require("node:module");
const path = require("node:path");
const peers = createRequire(path.join(process.argv[2], "node_modules", "_.js"));
const openskill = peers("openskill");
const models = peers("openskill/models");
const { Glicko2 } = peers("glicko2");

const gammas = [undefined, (_c, k) => 1 / k, () => 1];
const wengLin = [
  models.plackettLuce, models.bradleyTerryFull, models.bradleyTerryPart,
  models.thurstoneMostellerFull, models.thurstoneMostellerPart,
];

function rateWengLin({ teams, ranks, model, options, gamma }) {
  const given = teams.map((team) => team.map(([mu, sigma]) => ({ mu, sigma })));
  const gammaOption = gammas[gamma] ? { gamma: gammas[gamma] } : {};
  return openskill
    .rate(given, { rank: ranks, model: wengLin[model], ...options, ...gammaOption })
    .map((team) => team.map(({ mu, sigma }) => [mu, sigma, 0]));
}

// Everyone plays for themselves: a race of the package's own.
function rateGlicko({ teams, ranks, options }) {
  const system = new Glicko2({ tau: options.tau, rating: 1500, rd: 350, vol: 0.06 });
  const players = teams.map(([[mu, sigma, volatility]]) => system.makePlayer(mu, sigma, volatility));
  const places = [...new Set(ranks)].sort((a, b) => a - b);
  system.updateRatings(system.makeRace(places.map((rank) => players.filter((_, i) => ranks[i] === rank))));
  return players.map((p) => [[p.getRating(), p.getRd(), p.getVol()]]);
}

const lines = require("node:fs").readFileSync(0, "utf8").split("\n").filter(Boolean);
process.stdout.write(
  lines.map((line) => {
    const match = JSON.parse(line);
    return JSON.stringify(match.system === "glicko2" ? rateGlicko(match) : rateWengLin(match));
  }).join("\n") + "\n",
);
