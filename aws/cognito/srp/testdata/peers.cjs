// Password proofs as others compute them: cognito-srp is the server, cognito-srp-helper a
// second client. Reads one JSON object a line, writes one a line.
const { createRequire } = require("node:module");
const path = require("node:path");
const peers = createRequire(path.join(process.env.MUSTER_COGNITO_PEERS, "node_modules", "x.js"));
const { UserPool, ServerPasswordChallenge } = peers("cognito-srp");
const helper = peers("cognito-srp-helper");

// The server draws nothing, so that every run is the same: it keeps the leading zeros of
// numbers, which Cognito drops, so that some exchange among hundreds comes out otherwise.
async function serve({ pool, user, password, a, salt, secret, timestamp, secretBlock }) {
  const known = await new UserPool(pool).createUser({ username: user, password }, salt);
  const challenge = new ServerPasswordChallenge(pool, known, secret);
  const b = challenge.calculateB().toString("hex");
  const whole = a.length % 2 ? "0" + a : a; // it reads whole bytes
  const signature = challenge.getSession(whole).calculateSignature(secretBlock, timestamp);
  return { salt: known.salt, b, signature };
}

// The helper's client, against cognito-srp's server: exponent and answer.
async function client({ pool, user, password, secretBlock }) {
  const server = new UserPool(pool);
  const known = await server.createUser({ username: user, password });
  const challenge = await server.getServerChallenge(known);
  const session = helper.createSrpSession(user, password, "x_" + pool, false);
  const b = challenge.calculateB().toString("hex");
  const signed = helper.signSrpSession(session, {
    ChallengeName: "PASSWORD_VERIFIER",
    ChallengeParameters: { SALT: known.salt, SRP_B: b, SECRET_BLOCK: secretBlock, USER_ID_FOR_SRP: user, USERNAME: user },
  });
  return {
    exponent: signed.smallA, a: signed.largeA, salt: known.salt, b,
    timestamp: signed.timestamp, signature: signed.passwordSignature,
  };
}

(async () => {
  let text = "";
  for await (const chunk of process.stdin) text += chunk;
  for (const line of text.split("\n").filter(Boolean)) {
    const ask = JSON.parse(line);
    console.log(JSON.stringify(await (ask.a ? serve(ask) : client(ask))));
  }
})();
