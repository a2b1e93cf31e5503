interface Drop { x: number; y: number; vx: number; vy: number; age: number; life: number; size: number; color: string; kind: 'drop' | 'ring' | 'streak' | 'confetti' }

const most = 500;

/** Particles are short-lived decoration, in tiles and seconds. Nothing depends on them. */
export class Particles {
  #all: Drop[] = [];

  /** burst throws n drops of a colour out from a place. */
  burst(x: number, y: number, color: string, n: number, speed: number): void {
    for (let i = 0; i < n; i++) {
      const a = Math.random() * Math.PI * 2;
      const v = speed * (0.3 + Math.random() * 0.7);
      this.#add({ x, y, vx: Math.cos(a) * v, vy: Math.sin(a) * v, age: 0, life: 0.25 + Math.random() * 0.4, size: 0.08 + Math.random() * 0.18, color, kind: 'drop' });
    }
  }

  ring(x: number, y: number, color: string, size: number): void {
    this.#add({ x, y, vx: 0, vy: 0, age: 0, life: 0.45, size, color, kind: 'ring' });
  }

  streak(x: number, y: number, vx: number, vy: number, color: string): void {
    this.#add({ x: x + (Math.random() - 0.5) * 0.5, y: y + (Math.random() - 0.5) * 0.5, vx: -vx * 0.08, vy: -vy * 0.08, age: 0, life: 0.22, size: 0.1, color, kind: 'streak' });
  }

  confetti(x: number, y: number, color: string): void {
    this.#add({ x, y, vx: (Math.random() - 0.5) * 6, vy: -4 - Math.random() * 6, age: 0, life: 1.4 + Math.random(), size: 0.2, color, kind: 'confetti' });
  }

  draw(g: CanvasRenderingContext2D, dt: number): void {
    this.#all = this.#all.filter((p) => (p.age += dt) < p.life);
    for (const p of this.#all) {
      const t = p.age / p.life;
      p.x += p.vx * dt;
      p.y += p.vy * dt;
      if (p.kind === 'confetti') p.vy += 9 * dt;
      else if (p.kind === 'drop') { p.vx *= 1 - 4 * dt; p.vy *= 1 - 4 * dt; }
      g.globalAlpha = 1 - t * t;
      g.fillStyle = g.strokeStyle = p.color;
      g.beginPath();
      if (p.kind === 'ring') {
        g.lineWidth = 0.3 * (1 - t);
        g.arc(p.x, p.y, p.size * (1 - (1 - t) ** 3), 0, Math.PI * 2);
        g.stroke();
      } else if (p.kind === 'streak') {
        g.lineWidth = p.size;
        g.moveTo(p.x, p.y);
        g.lineTo(p.x + p.vx * 0.5, p.y + p.vy * 0.5);
        g.stroke();
      } else if (p.kind === 'confetti') {
        g.save();
        g.translate(p.x, p.y);
        g.rotate(p.age * 9 + p.life * 7);
        g.fillRect(-p.size / 2, -p.size / 4, p.size, p.size / 2);
        g.restore();
      } else {
        g.arc(p.x, p.y, p.size * (1 - t * 0.6), 0, Math.PI * 2);
        g.fill();
      }
    }
    g.globalAlpha = 1;
  }

  #add(p: Drop): void { if (this.#all.length < most) this.#all.push(p); }
}
