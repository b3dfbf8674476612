"""What a deployment relies on: secrets only where they are used, new versions that can be taken back."""

import json
from typing import Any

import pytest

from infra.build.expand import expanded
from infra.functions import DeclaredFunction, declared, resources, template

FUNCTIONS = declared()
# Where money moves: one wrong version here costs more than a quarter of an hour's delay.
SHIFTED = {
    "place_order", "cancel_order", "pay_order", "confirm_payment", "pay_notify", "refund_notify",
    "close_unpaid_orders", "sync_payments", "finish_open_intents", "settle_group_buys", "send_refunds",
}  # fmt: skip
# Who calls WeChat's server API, which wants the app's secret; payments are signed with the merchant's keys.
WITH_APP_SECRET = {"log_in", "bind_phone"}
# Who seals or opens phone numbers, names, addresses, tokens: found by running every test of every endpoint.
WITH_PERSONAL_DATA = {
    "log_in", "profile", "bind_phone", "addresses", "address", "redeem_coupon_code",
    "quote_order", "place_order", "show_order", "pay_order",
}  # fmt: skip
# Who tells WeChat Pay where to report: a callback itself could not name its own address.
WITH_NOTIFY_URL = {"pay_order", "send_refunds", "finish_open_intents"}


def _variables(function: DeclaredFunction) -> dict[str, Any]:
    variables: dict[str, Any] = function.properties["Environment"]["Variables"]
    return variables


def _having(variable: str) -> set[str]:
    return {function.name for function in FUNCTIONS if variable in _variables(function)}


@pytest.fixture(scope="module")
def cloudformation() -> dict[str, Any]:
    found: dict[str, Any] = expanded("us-east-1")["Resources"]
    return found


def test_app_secret_goes_to_those_who_call_with_it() -> None:
    assert _having("ORCHARD_WECHAT_APP_SECRET") == _having("ORCHARD_WECHAT_API_URL") == WITH_APP_SECRET


def test_personal_data_keys_go_to_those_who_seal_or_open() -> None:
    assert _having("ORCHARD_PERSONAL_DATA_KEY") == _having("ORCHARD_PERSONAL_DATA_HASH_KEY") == WITH_PERSONAL_DATA


def test_notify_url_goes_to_those_who_send_it() -> None:
    assert _having("ORCHARD_WECHAT_PAY_NOTIFY_URL") == WITH_NOTIFY_URL


def test_administrators_secret_goes_to_migrations_alone() -> None:
    assert _having("ORCHARD_DATABASE_ADMIN_SECRET_ID") == {"migrate_database"}
    named = {name for name, role in resources("AWS::IAM::Role").items() if "DatabaseAdminSecretArn" in json.dumps(role)}
    assert named == {"MigrationRole"}


def test_functions_where_money_moves_are_shifted_gradually() -> None:
    assert {f.name for f in FUNCTIONS if "DeploymentPreference" in f.properties} == SHIFTED
    for function in FUNCTIONS:
        if function.name in SHIFTED:
            assert function.properties["AutoPublishAlias"] == "live"
            assert function.properties["AutoPublishAliasAllProperties"] is True
            preference = function.properties["DeploymentPreference"]
            assert preference["Type"] == {"Ref": "GradualShift"}
            assert preference["Role"] == {"Fn::GetAtt": ["ShiftRole", "Arn"]}


def test_alarms_take_back_the_new_version_alone() -> None:
    alarms = resources("AWS::CloudWatch::Alarm")
    variables = template()["Globals"]["Function"]["Environment"]["Variables"]
    for function in FUNCTIONS:
        if function.name not in SHIFTED:
            continue
        failing, broken = (alarms[each["Ref"]] for each in function.properties["DeploymentPreference"]["Alarms"])
        version = {"Fn::GetAtt": [f"{function.resource}.Version", "Version"]}
        assert _dimensions(failing) == {
            "FunctionName": {"Ref": function.resource},
            "Resource": {"Fn::Sub": f"${{{function.resource}}}:live"},
            "ExecutedVersion": _split(version),
        }
        # Powertools adds the service by itself: an alarm without it would look at a metric that nobody writes.
        assert _dimensions(broken) == {
            "function_name": {"Ref": function.resource},
            "function_version": _split(version),
            "service": _variables(function)["POWERTOOLS_SERVICE_NAME"],
        }
        assert broken["Namespace"] == variables["POWERTOOLS_METRICS_NAMESPACE"]
        assert broken["MetricName"] == "UnexpectedErrors"
        # Silence is health: most versions are new at a quiet hour.
        assert {failing["TreatMissingData"], broken["TreatMissingData"]} == {"notBreaching"}


def _split(version: dict[str, list[str]]) -> dict[str, list[str]]:
    return {"Fn::GetAtt": ".".join(version["Fn::GetAtt"]).split(".", 1)}


def _dimensions(alarm: dict[str, Any]) -> dict[str, Any]:
    return {dimension["Name"]: dimension["Value"] for dimension in alarm["Dimensions"]}


def test_schedules_and_queues_start_the_shifted_version(cloudformation: dict[str, Any]) -> None:
    aliases = {function.resource: f"{function.resource}Aliaslive" for function in FUNCTIONS if function.name in SHIFTED}
    for name, body in cloudformation.items():
        if body["Type"] == "AWS::Scheduler::Schedule":
            target = body["Properties"]["Target"]["Arn"]
        elif body["Type"] == "AWS::Lambda::EventSourceMapping":
            target = body["Properties"]["FunctionName"]
        else:
            continue
        owner = next((resource for resource in aliases if name.startswith(resource)), None)
        if owner:
            assert target == {"Ref": aliases[owner]}, name


def test_scheduler_may_start_exactly_what_is_scheduled(cloudformation: dict[str, Any]) -> None:
    scheduled = {
        json.dumps(body["Properties"]["Target"]["Arn"])
        for body in cloudformation.values()
        if body["Type"] == "AWS::Scheduler::Schedule"
    }
    (policy,) = cloudformation["SchedulerRole"]["Properties"]["Policies"]
    invoke = policy["PolicyDocument"]["Statement"][0]
    assert {json.dumps(target) for target in invoke["Resource"]} == scheduled


def test_traffic_may_be_shifted_for_exactly_those_functions() -> None:
    (policy,) = resources("AWS::IAM::Role")["ShiftRole"]["Policies"]
    targets = policy["PolicyDocument"]["Statement"][0]["Resource"]
    assert {target["Fn::GetAtt"][0] for target in targets} == {f.resource for f in FUNCTIONS if f.name in SHIFTED}


def test_functions_with_an_account_of_their_own_are_migrated_when_it_changes() -> None:
    schema = resources("AWS::CloudFormation::CustomResource")["DatabaseSchema"]
    assert "${DatabaseSecretVersion}" in json.dumps(schema)


def test_own_domains_are_optional() -> None:
    optional = {"AWS::ApiGatewayV2::DomainName", "AWS::ApiGatewayV2::ApiMapping", "AWS::Route53::RecordSet"}
    conditions = {body.get("Condition") for body in template()["Resources"].values() if body["Type"] in optional}
    assert None not in conditions
    assert len(conditions) == 4
