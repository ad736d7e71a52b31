import Router from '@koa/router';

/** Where password managers find the page (W3C: A Well-Known URL for Changing Passwords). */
export function changePasswordAddress(): Router {
  const router = new Router();
  router.get('/.well-known/change-password', (ctx) => {
    ctx.redirect(`${ctx.mountPath}/account/password`);
  });
  return router;
}
