import { hull, outline } from './car';
import { EventKind, Phase, PickupKind, type Car, type CarInfo, type Frame, type GameEvent, type Welcome } from './protocol';
import { Floor } from './floor';
import { gold, ink, inkLight } from './palette';
import { Particles } from './particles';
import type { Sound } from './sound';
import { Timeline } from './timeline';

const margin = 0.6; // tiles around the arena

/** Scene draws a match. It owns its canvas between construction and close. */
export class Scene {
  #g: CanvasRenderingContext2D;
  #floor: Floor;
  #timeline: Timeline;
  #particles = new Particles();
  #shake = 0;
  #zoom = 1; // px per tile
  #last = 0;
  #request = 0;
  #phase = -1;
  #second = -1;
  #roster: CarInfo[];
  #calm = window.matchMedia('(prefers-reduced-motion: reduce)').matches;
  #winner = -1;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly welcome: Welcome,
    private readonly sound: Sound,
    private readonly shown: (f: Frame) => void, // called for each picture with the frame it shows
  ) {
    this.#g = canvas.getContext('2d')!;
    this.#floor = new Floor(welcome);
    this.#timeline = new Timeline(welcome.tickRate);
    this.#roster = welcome.cars;
    this.#request = requestAnimationFrame(this.#draw);
  }

  push(f: Frame): void { this.#timeline.push(f); }
  roster(cars: CarInfo[]): void { this.#roster = cars; }
  /** celebrate rains confetti in a team's colour. */
  celebrate(team: number): void { this.#winner = team; }
  close(): void { cancelAnimationFrame(this.#request); }

  #draw = (now: number): void => {
    this.#request = requestAnimationFrame(this.#draw);
    const dt = Math.min(0.1, (now - (this.#last || now)) / 1000);
    this.#last = now;
    const view = this.#timeline.advance(dt);
    if (!view) return;
    for (const f of view.passed) {
      for (const p of f.painted) this.#floor.paint(p);
      for (const e of f.events) this.#happen(e, f.cars[e.car]);
      this.#signal(f);
    }
    this.shown(view.frame);
    this.#fit();
    this.#camera(dt);
    this.#ground();
    this.#pickups(view.frame, now);
    view.cars.forEach((c, i) => { if (!c.gone) this.#car(c, i, now); });
    this.#g.drawImage(this.#floor.walls, 0, 0, this.welcome.width, this.welcome.height + 1);
    this.#particles.draw(this.#g, dt);
    view.cars.forEach((c, i) => { if (!c.gone) this.#tag(c, i, view.cars); });
    if (this.#winner >= 0 && !this.#calm && Math.random() < 0.6) this.#particles.confetti(Math.random() * this.welcome.width, Math.random() * this.welcome.height * 0.4, [ink[this.#winner]!, inkLight[this.#winner]!, gold][Math.floor(Math.random() * 3)]!);
  };

  #happen(e: GameEvent, car: Car | undefined): void {
    const color = ink[car?.team ?? 0]!;
    switch (e.kind) {
      case EventKind.Dashed:
        this.#particles.ring(e.x, e.y, inkLight[car?.team ?? 0]!, 1.1);
        this.sound.dash();
        break;
      case EventKind.Shoved:
        this.#particles.burst(e.x, e.y, color, 40, 11);
        this.#particles.ring(e.x, e.y, '#fff', 2.4);
        this.#shake = Math.max(this.#shake, 0.55);
        this.sound.shove();
        break;
      case EventKind.Exploded:
        this.#particles.burst(e.x, e.y, color, 90, 15);
        this.#particles.ring(e.x, e.y, color, 4.2);
        this.#particles.ring(e.x, e.y, '#fff', 3);
        this.#shake = 1;
        this.sound.boom();
        break;
      case EventKind.Boosted:
      case EventKind.Widened:
        this.#particles.burst(e.x, e.y, gold, 22, 7);
        this.#particles.ring(e.x, e.y, gold, 1.6);
        this.sound.blip();
        break;
      case EventKind.Appeared:
        this.#particles.ring(e.x, e.y, 'rgba(255,255,255,.6)', 1.1);
        this.sound.appear();
    }
  }

  /** #signal beeps through the countdown and the last seconds. */
  #signal(f: Frame): void {
    const second = Math.ceil(f.left / this.welcome.tickRate);
    if (f.phase !== this.#phase) {
      if (this.#phase >= 0 && f.phase === Phase.Playing) this.sound.go();
      if (this.#phase >= 0 && f.phase === Phase.Over) this.sound.end();
      this.#phase = f.phase;
    } else if (second !== this.#second && (f.phase === Phase.Countdown || (f.phase === Phase.Playing && second <= 5))) this.sound.tick();
    this.#second = second;
  }

  #fit(): void {
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    const w = Math.round(this.canvas.clientWidth * ratio);
    const h = Math.round(this.canvas.clientHeight * ratio);
    if (this.canvas.width !== w || this.canvas.height !== h) {
      this.canvas.width = w;
      this.canvas.height = h;
    }
    this.#zoom = Math.min(w / (this.welcome.width + 2 * margin), h / (this.welcome.height + 2 * margin));
  }

  /** #camera sets units to tiles, centred, with the shake of the last hit. */
  #camera(dt: number): void {
    const g = this.#g;
    this.#shake = Math.max(0, this.#shake - dt * 2.4);
    const s = this.#calm ? 0 : this.#shake ** 2 * 0.35;
    g.setTransform(1, 0, 0, 1, 0, 0);
    g.clearRect(0, 0, this.canvas.width, this.canvas.height);
    g.translate(this.canvas.width / 2, this.canvas.height / 2);
    g.scale(this.#zoom, this.#zoom);
    g.rotate((Math.random() - 0.5) * s * 0.03);
    g.translate(-this.welcome.width / 2 + (Math.random() - 0.5) * s, -this.welcome.height / 2 + (Math.random() - 0.5) * s);
  }

  #ground(): void {
    const g = this.#g;
    const { width, height } = this.welcome;
    g.save();
    g.shadowColor = 'rgba(150,110,255,.35)';
    g.shadowBlur = this.#zoom * 1.2;
    g.fillStyle = '#5b4a94';
    g.beginPath();
    g.roundRect(-0.18, -0.18, width + 0.36, height + 0.36, 0.6);
    g.fill();
    g.restore();
    g.drawImage(this.#floor.ground, 0, 0, width, height + 1);
    g.save();
    g.beginPath();
    g.roundRect(0, 0, width, height, 0.5);
    g.clip();
    g.drawImage(this.#floor.ink, 0, 0, width, height + 1);
    g.restore();
  }

  #pickups(f: Frame, now: number): void {
    const g = this.#g;
    for (const p of f.pickups) {
      const bob = this.#calm ? 0 : Math.sin(now / 260 + p.id) * 0.09;
      g.save();
      g.translate(p.x + 0.5, p.y + 0.5);
      g.fillStyle = 'rgba(0,0,0,.35)';
      g.beginPath();
      g.ellipse(0, 0.42, 0.42, 0.16, 0, 0, Math.PI * 2);
      g.fill();
      g.translate(0, bob - 0.12);
      g.shadowColor = gold;
      g.shadowBlur = this.#zoom * 0.5;
      g.fillStyle = '#1a1230';
      g.strokeStyle = gold;
      g.lineWidth = 0.09;
      g.beginPath();
      g.arc(0, 0, 0.56, 0, Math.PI * 2);
      g.fill();
      g.stroke();
      g.shadowBlur = 0;
      g.fillStyle = g.strokeStyle = gold;
      this.#icon(p.kind);
      g.restore();
    }
  }

  #icon(kind: number): void {
    const g = this.#g;
    g.lineWidth = 0.09;
    g.lineCap = 'round';
    g.beginPath();
    switch (kind) {
      case PickupKind.Bomb:
        g.arc(-0.04, 0.07, 0.25, 0, Math.PI * 2);
        g.fill();
        g.beginPath();
        g.moveTo(0.14, -0.12);
        g.quadraticCurveTo(0.2, -0.32, 0.34, -0.28);
        g.stroke();
        break;
      case PickupKind.Boost:
        g.moveTo(0.1, -0.36);
        g.lineTo(-0.22, 0.06);
        g.lineTo(-0.02, 0.06);
        g.lineTo(-0.1, 0.36);
        g.lineTo(0.22, -0.08);
        g.lineTo(0.02, -0.08);
        g.closePath();
        g.fill();
        break;
      default:
        g.roundRect(-0.3, -0.3, 0.52, 0.22, 0.06);
        g.fill();
        g.beginPath();
        g.moveTo(0.22, -0.19);
        g.lineTo(0.32, -0.19);
        g.lineTo(0.32, 0.02);
        g.lineTo(0, 0.04);
        g.lineTo(0, 0.34);
        g.stroke();
    }
  }

  #car(c: Car, i: number, now: number): void {
    const g = this.#g;
    const you = i === this.welcome.you;
    if ((c.dashing || c.boosted) && !this.#calm) this.#particles.streak(c.x, c.y, c.vx, c.vy, c.boosted ? gold : inkLight[c.team]!);
    g.save();
    g.translate(c.x, c.y);
    if (this.#roster[i]?.state === 'away') g.globalAlpha = 0.45;
    g.fillStyle = 'rgba(0,0,0,.38)';
    g.beginPath();
    g.ellipse(0.06, 0.2, 0.56, 0.42, 0, 0, Math.PI * 2);
    g.fill();
    if (you) this.#charge(c);
    g.rotate(c.heading + (c.stunned ? Math.sin(now / 40) * 0.5 + now / 90 : 0));
    g.scale(c.dashing ? 1.38 : 1.14, c.dashing ? 0.98 : 1.14);
    if (c.roller) {
      g.fillStyle = '#e8e2ff';
      g.beginPath();
      g.roundRect(0.42, -0.95, 0.3, 1.9, 0.14);
      g.fill();
      g.fillStyle = ink[c.team]!;
      g.beginPath();
      g.roundRect(0.48, -0.9, 0.18, 1.8, 0.09);
      g.fill();
    }
    g.fillStyle = '#120b22';
    for (const [x, y] of [[-0.3, -0.42], [0.28, -0.42], [-0.3, 0.42], [0.28, 0.42]] as const) {
      g.beginPath();
      g.roundRect(x - 0.16, y - 0.1, 0.32, 0.2, 0.08);
      g.fill();
    }
    hull(g, c.team);
    if (c.immune && !c.stunned && Math.floor(now / 90) % 2 === 0) {
      g.fillStyle = 'rgba(255,255,255,.5)';
      outline(g);
      g.fill();
    }
    g.restore();
  }

  /** #charge is the ring around the own car: full when the dash is ready. */
  #charge(c: Car): void {
    const g = this.#g;
    g.lineWidth = 0.1;
    g.lineCap = 'round';
    g.strokeStyle = 'rgba(255,255,255,.18)';
    g.beginPath();
    g.arc(0, 0, 0.86, 0, Math.PI * 2);
    g.stroke();
    g.strokeStyle = c.charge >= 0.99 ? '#fff' : 'rgba(255,255,255,.55)';
    g.beginPath();
    g.arc(0, 0, 0.86, -Math.PI / 2, -Math.PI / 2 + Math.PI * 2 * c.charge);
    g.stroke();
  }

  /** #tag is the name above a car, faint where it would hide another one. */
  #tag(c: Car, i: number, cars: Car[]): void {
    const info = this.#roster[i];
    if (!info) return;
    const g = this.#g;
    const you = i === this.welcome.you;
    let name = info.name || 'Player';
    if (info.state === 'away') name += ' (away)';
    g.font = `${you ? 700 : 600} 0.62px ui-rounded, system-ui, sans-serif`;
    g.textAlign = 'center';
    const y = c.y < 2.1 ? c.y + 1.75 : c.y - 1.4;
    const half = g.measureText(name).width / 2 + 0.28;
    const x = Math.max(half, Math.min(this.welcome.width - half, c.x));
    const hides = cars.some((o, k) => k !== i && !o.gone && Math.abs(o.x - x) < half + 0.6 && Math.abs(o.y - (y - 0.16)) < 1);
    g.save();
    g.globalAlpha = hides ? 0.25 : 1;
    g.fillStyle = 'rgba(16,10,30,.72)';
    g.beginPath();
    g.roundRect(x - half, y - 0.56, half * 2, 0.8, 0.4);
    g.fill();
    g.fillStyle = you ? '#fff' : inkLight[c.team]!;
    g.fillText(name, x, y + 0.04);
    g.restore();
  }
}
