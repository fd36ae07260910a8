/** Outcomes of two runs made comparable: random ids are numbered, the folder and ages of locks named. */
export function normalise(outcome, folder) {
  const ids = new Map();
  const text = (string) =>
    string
      .replaceAll(folder, '<folder>')
      .replace(/age: \d+ms/g, 'age: <age>ms')
      .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, (id) => {
        if (!ids.has(id)) ids.set(id, `<id ${ids.size + 1}>`);
        return ids.get(id);
      });
  const walk = (value) => {
    if (typeof value === 'string') return text(value);
    if (Array.isArray(value)) return value.map(walk);
    if (typeof value === 'object' && value !== null)
      return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, walk(member)]));
    return value;
  };
  return walk(outcome);
}
