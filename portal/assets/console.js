// Shows one definition with Swagger UI, to read. Calls are made from the portal's own reference.
(() => {
  const place = document.getElementById("console");
  SwaggerUIBundle({
    url: place.dataset.definition,
    domNode: place,
    deepLinking: true,
    supportedSubmitMethods: [],
    validatorUrl: null,
    presets: [SwaggerUIBundle.presets.apis],
    layout: "BaseLayout",
    // The definition is asked for with the reader's rights.
    requestInterceptor: (request) => {
      if (request.url === place.dataset.definition) request.credentials = "include";
      return request;
    },
  });
})();
