// Plays one match from two separate browser contexts and takes the README's pictures.
//
//   node play.mjs URL PICTURES      with MUSTER_BROWSER_MODULES naming a node_modules
//
// Prints one JSON object about what was seen, or fails with the step that did not happen.
import { createRequire } from 'node:module'
import path from 'node:path'

const [url, pictures] = process.argv.slice(2)
const require = createRequire(path.join(process.env.MUSTER_BROWSER_MODULES, 'here.js'))
const { chromium } = require('playwright-core')

const browser = await chromium.launch({
  executablePath: process.env.MUSTER_CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'],
})

const problems = []

async function open(name) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } })
  const page = await context.newPage()
  page.setDefaultTimeout(60_000)
  page.on('pageerror', (e) => problems.push(`${name}: ${e.message}`))
  page.on('console', (m) => m.type() === 'error' && problems.push(`${name}: ${m.text()}`))
  await page.goto(url)
  await page.getByTestId('play').waitFor()
  return page
}

const shot = (page, name) => page.screenshot({ path: path.join(pictures, `${name}.png`) })
const seen = (page, id) => page.getByTestId(id).waitFor()
const text = async (page, id) => (await page.getByTestId(id).innerText()).trim()

// steer drives until the game is over, so that both sides paint something. On a slow machine
// two who drive alike paint alike, which is a draw: so one of them goes to and fro.
async function steer(page, keys) {
  for (let i = 0; ; i++) {
    const key = keys[i % keys.length]
    await page.keyboard.down(key)
    await page.waitForTimeout(350)
    await page.keyboard.up(key)
    if (await page.getByTestId('result').isVisible()) return
  }
}

try {
  const ann = await open('ann')
  const bob = await open('bob')
  const before = await text(ann, 'skill')
  await shot(ann, 'lobby')

  await ann.getByTestId('play').click()
  await seen(ann, 'searching')
  await bob.getByTestId('play').click()
  await Promise.all([seen(ann, 'match-found'), seen(bob, 'match-found')])
  await shot(ann, 'match-found')
  await Promise.all([ann.getByTestId('accept').click(), bob.getByTestId('accept').click()])

  await Promise.all([seen(ann, 'game-canvas'), seen(bob, 'game-canvas')])
  const game = Promise.all([
    steer(ann, ['ArrowRight', 'ArrowDown', 'ArrowLeft', 'ArrowUp']),
    steer(bob, ['a', 'd']),
  ])
  await ann.waitForTimeout(6000)
  await shot(ann, 'game')

  // A reload in mid-game brings the player back into the same seat.
  const third = await bob.evaluate(() => sessionStorage.length)
  await bob.reload()
  await seen(bob, 'game-canvas')
  const reloaded = true

  await game
  await Promise.all([seen(ann, 'result'), seen(bob, 'result')])
  await ann.waitForTimeout(1500)
  await shot(ann, 'result')
  const changes = [await text(ann, 'result-change'), await text(bob, 'result-change')]

  await ann.getByTestId('play-again').click()
  await seen(ann, 'searching')
  console.log(JSON.stringify({ before, changes, reloaded, stored: third, problems }))
} catch (error) {
  for (const [i, page] of browser.contexts().flatMap((c) => c.pages()).entries()) {
    await shot(page, `failed-${i}`).catch(() => {})
  }
  console.error(String(error), JSON.stringify(problems))
  process.exitCode = 1
} finally {
  await browser.close()
}
