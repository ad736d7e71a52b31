import { callApi } from './api.js';
import { answer, element, hero, run } from './parts.js';

/** The page of the records, for whoever is signed in. */
export async function records(person) {
  const { ok, status, body } = await callApi('GET', '/records');
  const list = ok ? recordList(body.records, person) : answer({ ok, status, body });
  const whose = ok && body.records.some((record) => isTheirs(record, person)) ? 'Everyone’s' : 'Yours';
  return [
    hero('Records', ok ? element('p', { class: 'lead' }, `${whose}, the newest first.`) : undefined),
    element('section', { class: 'card' }, list),
    ...(person.roles.some((role) => role !== 'guest') ? [newRecord()] : []),
  ];
}

function recordList(found, person) {
  if (found.length === 0) {
    return element('p', { class: 'muted', 'data-testid': 'no-records' }, 'There are none yet.');
  }
  const items = found.map((record) =>
    element(
      'li',
      { 'data-testid': 'record' },
      element('strong', {}, record.title),
      record.body ? element('p', {}, record.body) : undefined,
      element(
        'small',
        { class: 'muted' },
        element('time', { datetime: record.created_at }, day(new Date(record.created_at))),
        isTheirs(record, person) ? ` · ${record.owner.client_id ?? 'somebody else'}` : undefined,
      ),
    ),
  );
  return element('ul', { class: 'records' }, items);
}

/** The API of Concierge shows administrators what is everyone's. Another one may not say whose a record is. */
const isTheirs = ({ owner }, { sub }) => owner !== undefined && owner.sub !== sub;

function newRecord() {
  const place = element('div');
  const title = element('input', {
    required: true,
    maxlength: 200,
    autocomplete: 'off',
    'data-testid': 'record-title',
  });
  const body = element('textarea', { maxlength: 10_000, rows: 3, 'data-testid': 'record-body' });
  const submit = (event) => {
    event.preventDefault();
    run(event.submitter, async () => {
      const saved = await callApi('POST', '/records', { title: title.value, body: body.value });
      if (saved.ok) {
        document.dispatchEvent(new Event('changed'));
      } else {
        place.replaceChildren(answer(saved));
      }
    });
  };
  return element(
    'section',
    { class: 'card' },
    element('h2', {}, 'A new record'),
    element(
      'form',
      { class: 'fields', submit },
      element('label', {}, 'Title ', title),
      element('label', {}, 'Text ', body),
      element('button', { class: 'button primary', 'data-testid': 'record-create' }, 'Save'),
    ),
    place,
  );
}

const day = (date) => date.toLocaleDateString(undefined, { dateStyle: 'long' });
