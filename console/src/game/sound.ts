/** Sound makes the game's few noises from oscillators. It is silent until switched on. */
export class Sound {
  #ctx: AudioContext | null = null;
  on = false;

  toggle(on: boolean): void {
    this.on = on;
    if (on) {
      this.#ctx ??= new AudioContext();
      void this.#ctx.resume();
    }
  }

  close(): void { void this.#ctx?.close(); }

  dash(): void { this.#noise(0.16, 900, 0.1); }
  shove(): void { this.#tone('square', 170, 55, 0.18, 0.14); this.#noise(0.12, 500, 0.14); }
  boom(): void { this.#tone('sine', 150, 38, 0.45, 0.32); this.#noise(0.4, 380, 0.22); }
  blip(): void { this.#tone('triangle', 520, 1040, 0.14, 0.12); }
  appear(): void { this.#tone('sine', 900, 1250, 0.07, 0.03); }
  tick(): void { this.#tone('triangle', 440, 440, 0.1, 0.12); }
  go(): void { this.#tone('triangle', 880, 880, 0.3, 0.14); }
  end(): void { this.#tone('sawtooth', 520, 260, 0.5, 0.08); }

  #tone(kind: OscillatorType, from: number, to: number, seconds: number, volume: number): void {
    const c = this.#ready();
    if (!c) return;
    const o = c.createOscillator();
    o.type = kind;
    o.frequency.setValueAtTime(from, c.currentTime);
    o.frequency.exponentialRampToValueAtTime(to, c.currentTime + seconds);
    o.connect(this.#fade(c, seconds, volume));
    o.start();
    o.stop(c.currentTime + seconds);
  }

  #noise(seconds: number, cutoff: number, volume: number): void {
    const c = this.#ready();
    if (!c) return;
    const buffer = c.createBuffer(1, Math.ceil(c.sampleRate * seconds), c.sampleRate);
    const samples = buffer.getChannelData(0);
    for (let i = 0; i < samples.length; i++) samples[i] = Math.random() * 2 - 1;
    const source = c.createBufferSource();
    source.buffer = buffer;
    const filter = c.createBiquadFilter();
    filter.type = 'lowpass';
    filter.frequency.value = cutoff;
    source.connect(filter).connect(this.#fade(c, seconds, volume));
    source.start();
  }

  #fade(c: AudioContext, seconds: number, volume: number): AudioNode {
    const gain = c.createGain();
    gain.gain.setValueAtTime(volume, c.currentTime);
    gain.gain.exponentialRampToValueAtTime(0.001, c.currentTime + seconds);
    gain.connect(c.destination);
    return gain;
  }

  #ready(): AudioContext | null { return this.on && this.#ctx?.state === 'running' ? this.#ctx : null; }
}
