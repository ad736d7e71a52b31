/**
 * A person's browser in front of somebody's web application that signs people in here: an agent for each of the two, so
 * that each gets its own cookies and no others.
 */
import { formOf, UserAgent, type Visit } from './user-agent.ts';

const MOST_JOURNEYS = 4;

export class Browser {
  readonly application: UserAgent;
  readonly issuer: UserAgent;

  constructor(application: string, issuer: string) {
    this.application = new UserAgent(application);
    this.issuer = new UserAgent(issuer);
  }

  /** Opens a page of the application, does at the issuer whatever it is sent there for, and ends at the application. */
  async open(path: string): Promise<Visit> {
    return this.follow(await this.application.get(path));
  }

  /** Goes on from an answer of the application's. */
  async follow(start: Visit): Promise<Visit> {
    let visit = start;
    for (let journey = 0; !this.application.isOurs(visit.url); journey += 1) {
      if (journey === MOST_JOURNEYS) {
        throw new Error(`the application keeps sending the browser to ${visit.url}`);
      }
      visit = await this.#visitIssuer(visit.url);
    }
    return visit;
  }

  async #visitIssuer(request: string): Promise<Visit> {
    const answer = await this.issuer.goThrough(await this.issuer.get(request));
    const form = formOf(answer);
    return form === undefined ? this.application.get(answer.url) : this.application.post(form.action, form.fields);
  }
}
