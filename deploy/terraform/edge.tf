# Before the gateway: Cloudflare (WAF, DDoS) and AWS API Gateway (routing, throttling, token validation) for the app's
# REST. Nothing inside depends on them: the gateway checks everything again. Hubs and backups come straight to their own
# load balancers, since their TLS is ended in our pods.
resource "aws_apigatewayv2_api" "app" {
  name                         = "${local.name}-app"
  protocol_type                = "HTTP"
  disable_execute_api_endpoint = true
}

resource "aws_security_group" "link" {
  name        = "${local.name}-api-link"
  description = "From the API gateway to Envoy"
  vpc_id      = aws_vpc.main.id
}

resource "aws_vpc_security_group_egress_rule" "link" {
  description       = "To Envoy's app listener, anywhere in the private subnets"
  security_group_id = aws_security_group.link.id
  cidr_ipv4         = var.vpc_cidr
  from_port         = 443
  to_port           = 443
  ip_protocol       = "tcp"
}

resource "aws_apigatewayv2_vpc_link" "gateway" {
  name               = local.name
  subnet_ids         = aws_subnet.private[*].id
  security_group_ids = [aws_security_group.link.id]
}

resource "aws_apigatewayv2_authorizer" "issuers" {
  for_each         = { voltex = var.voltex_issuer, homes = var.homes_issuer }
  name             = each.key
  api_id           = aws_apigatewayv2_api.app.id
  authorizer_type  = "JWT"
  identity_sources = ["$request.header.Authorization"]
  jwt_configuration {
    issuer   = each.value
    audience = [var.audience]
  }
}

resource "aws_apigatewayv2_integration" "gateway" {
  count                  = var.gateway_listener_arn == "" ? 0 : 1
  api_id                 = aws_apigatewayv2_api.app.id
  integration_type       = "HTTP_PROXY"
  integration_method     = "ANY"
  integration_uri        = var.gateway_listener_arn
  connection_type        = "VPC_LINK"
  connection_id          = aws_apigatewayv2_vpc_link.gateway.id
  payload_format_version = "1.0"
  timeout_milliseconds   = 29000
  tls_config {
    server_name_to_verify = "api.${var.domain}"
  }
}

# Which prefix belongs to whom; `/v1/hubs` is homeowners' and electricians' both, so Envoy alone tells them apart there.
locals {
  routes = var.gateway_listener_arn == "" ? {} : {
    "ANY /v1/organizations/{proxy+}" = "voltex"
    "ANY /v1/projects/{proxy+}"      = "voltex"
    "ANY /v1/templates/{proxy+}"     = "voltex"
    "ANY /v1/accounts/{proxy+}"      = "homes"
    "ANY /v1/{proxy+}"               = "envoy"
  }
}

resource "aws_apigatewayv2_route" "app" {
  for_each           = local.routes
  api_id             = aws_apigatewayv2_api.app.id
  route_key          = each.key
  target             = "integrations/${aws_apigatewayv2_integration.gateway[0].id}"
  authorization_type = each.value == "envoy" ? "NONE" : "JWT"
  authorizer_id      = each.value == "envoy" ? null : aws_apigatewayv2_authorizer.issuers[each.value].id
}

resource "aws_cloudwatch_log_group" "app" {
  name              = "/ora/${var.environment}/api"
  retention_in_days = 365
  kms_key_id        = aws_kms_key.logs.arn
}

resource "aws_apigatewayv2_stage" "app" {
  api_id      = aws_apigatewayv2_api.app.id
  name        = "$default"
  auto_deploy = true

  default_route_settings {
    throttling_rate_limit    = 2000
    throttling_burst_limit   = 4000
    detailed_metrics_enabled = true
  }

  # Neither address nor token nor path with an id in it: the route's pattern, and what came of it.
  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.app.arn
    format = jsonencode({
      time   = "$context.requestTimeEpoch"
      route  = "$context.routeKey"
      status = "$context.status"
      error  = "$context.error.responseType"
      ms     = "$context.responseLatency"
      trace  = "$context.requestId"
    })
  }
}

resource "aws_acm_certificate" "app" {
  domain_name       = "api.${var.domain}"
  validation_method = "DNS"
  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_apigatewayv2_domain_name" "app" {
  domain_name = "api.${var.domain}"
  domain_name_configuration {
    certificate_arn = aws_acm_certificate.app.arn
    endpoint_type   = "REGIONAL"
    security_policy = "TLS_1_2"
  }
}

resource "aws_apigatewayv2_api_mapping" "app" {
  api_id      = aws_apigatewayv2_api.app.id
  domain_name = aws_apigatewayv2_domain_name.app.id
  stage       = aws_apigatewayv2_stage.app.id
}

resource "cloudflare_dns_record" "app" {
  zone_id = var.cloudflare_zone_id
  name    = "api.${var.domain}"
  type    = "CNAME"
  ttl     = 1
  proxied = true
  content = aws_apigatewayv2_domain_name.app.domain_name_configuration[0].target_domain_name
}

resource "cloudflare_zone_setting" "tls" {
  for_each   = { min_tls_version = "1.3", ssl = "strict", always_use_https = "on", "0rtt" = "off" }
  zone_id    = var.cloudflare_zone_id
  setting_id = each.key
  value      = each.value
}

resource "cloudflare_ruleset" "waf" {
  zone_id = var.cloudflare_zone_id
  name    = "managed rules"
  kind    = "zone"
  phase   = "http_request_firewall_managed"
  rules = [{
    action      = "execute"
    expression  = "(http.host eq \"api.${var.domain}\")"
    description = "Cloudflare's managed rules for the app's door"
    enabled     = true
    action_parameters = {
      id = "efb7b8c949ac4650a09736fc376e9aee"
    }
  }]
}
