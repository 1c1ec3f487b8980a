/** A server of modules on loopback. */

export interface Route {
  readonly body?: string | Uint8Array<ArrayBuffer>;
  readonly type?: string;
  readonly location?: string;
  readonly status?: number;
  /** Answers with what the request brought. */
  readonly echo?: true;
}

export interface ModuleServer extends AsyncDisposable {
  /** `host:port` */
  readonly host: string;
  /** `http://host:port` */
  readonly base: string;
  /** By path, with what follows `?`; a text is a body. */
  readonly routes: Record<string, Route | string>;
  /** Paths that were asked for. */
  readonly asked: string[];
}

export function serveModules(routes: Record<string, Route | string>): ModuleServer {
  const asked: string[] = [];
  const held = { ...routes };
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const { pathname, search } = new URL(request.url);
    asked.push(pathname + search);
    const route = held[pathname + search];
    if (route === undefined) return new Response("not here", { status: 404 });
    if (typeof route === "object" && route.echo) return new Response(request.body);
    const { body = "", type = "application/octet-stream", location, status } =
      typeof route === "string" ? { body: route } as Route : route;
    return new Response(body, {
      status: status ?? (location === undefined ? 200 : 302),
      headers: { "content-type": type, ...(location === undefined ? {} : { location }) },
    });
  });
  const host = `127.0.0.1:${server.addr.port}`;
  return {
    host,
    base: `http://${host}`,
    routes: held,
    asked,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
