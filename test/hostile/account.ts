/** What came of the inputs, by kind and by answer. */
export class Account {
  readonly #kinds = new Map<string, Map<string, number>>();

  count(kind: string, answer: string): void {
    let answers = this.#kinds.get(kind);
    if (answers === undefined) {
      answers = new Map();
      this.#kinds.set(kind, answers);
    }
    answers.set(answer, (answers.get(answer) ?? 0) + 1);
  }

  /** How many inputs of a kind were met with this answer; of all kinds and answers where none is named. */
  of(kind?: string, answer?: string): number {
    let sum = 0;
    for (const [name, answers] of this.#kinds) {
      if (kind !== undefined && name !== kind) continue;
      for (const [text, count] of answers) {
        if (answer === undefined || text === answer) sum += count;
      }
    }
    return sum;
  }

  /** A block for each kind, the commonest answers first. */
  toString(): string {
    return [...this.#kinds]
      .map(([kind, answers]) => {
        const sorted = [...answers].sort(([, a], [, b]) => b - a);
        const lines = sorted.map(([text, count]) => `  ${String(count).padStart(7)}  ${text}`);
        return [`${kind}: ${this.of(kind)} inputs`, ...lines].join("\n");
      })
      .join("\n");
  }
}
