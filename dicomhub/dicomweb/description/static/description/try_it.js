// The document stands beside the page, so each tenant's page shows its own.
SwaggerUIBundle({ url: "openapi.json", dom_id: "#service", docExpansion: "list", deepLinking: true });
