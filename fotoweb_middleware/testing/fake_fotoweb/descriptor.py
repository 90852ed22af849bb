"""The API descriptors: who the user is, what they may do, and where everything else is.

Source: the official OpenAPI description, and descriptors captured by public integrations (FotoWeb 8.2).
"""

from __future__ import annotations

from typing import Any, Final

from fotoweb_middleware.testing.fake_fotoweb.registration import User

__all__ = ["full_api_descriptor", "guest_api_descriptor"]

ME: Final = "/fotoweb/me"

PERMISSIONS: Final = (
    "print",
    "moderateComments",
    "delegateDownload",
    "allowTaxonomyEditing",
    "allowShareBookmark",
    "allowRetranscode",
    "canManageExports",
    "canLinkInAdobeCC",
    "canConfigureConsentForms",
    "canTogglePositionedMarkers",
    "hasAuditPermission",
    "hasAdvancedVideoControls",
    "hasManageArchivesPermission",
    "hasManageServicesPermission",
    "hasManageSettingsPermission",
    "hasManageWorkflowsPermission",
    "shareCropAndDownloadPresets",
    "showAdvancedBreadcrumb",
)
GIVEN_TO_EVERYBODY: Final = {"print", "allowShareBookmark", "showAdvancedBreadcrumb"}

LISTS: Final = (
    "background-tasks",
    "taxonomies",
    "markers",
    "pins",
    "alerts",
    "bookmarks",
    "actions",
    "destinations",
    "copy-to",
    "move-to",
    "upload-to",
    "tokens",
    "upload-tokens",
    "user-preferences",
    "signups",
    "users",
    "groups",
)


def describe_user(user: User) -> dict[str, Any]:
    """Build the part that tells who the token belongs to. Groups are not in it; FotoWeb leaves them out too."""
    first_name, _, last_name = user.full_name.partition(" ")
    return {
        "userId": user.user_id,
        "userName": user.user_name,
        "fullName": user.full_name,
        "firstName": first_name,
        "lastName": last_name,
        "email": user.email,
        "isGuest": False,
        "href": user.href,
    }


def full_api_descriptor(user: User) -> dict[str, Any]:
    """Build the descriptor for a logged-in user."""
    return {
        "href": ME,
        "server": "FotoWeb Core",
        "utc_offset": 0,
        "archives": f"{ME}/archives/",
        "searchURL": "/fotoweb/archives/{?q}",
        **_albums(),
        **{name.replace("-", "_"): f"{ME}/{name}/" for name in LISTS},
        "actionCropPresets": f"{ME}/presets/crop/",
        "cropDownloadPresets": f"{ME}/presets/crop-download/",
        "users_search": "/fotoweb/users/{?q}",
        "groups_search": "/fotoweb/groups/{?q}",
        "people_search": "/fotoweb/people/{?q}",
        "user": describe_user(user),
        "services": _services(),
        "permissions": _permissions(),
        **_site(),
    }


def _albums() -> dict[str, str]:
    parts = {"own": "mine", "shared": "shared-with-me", "archived": "archived", "deleted": "deleted"}
    paths = {f"albums_{name}": f"{ME}/albums/{part}/" for name, part in parts.items()}
    return {"albums": f"{ME}/albums/", **paths, "albums_contribute": f"{ME}/albums/contribute/"}


def _services() -> dict[str, Any]:
    return {
        "search": "/fotoweb/search/",
        "rendition_request": "/fotoweb/services/renditions",
        "logout": "/fotoweb/services/logout",
        "keepalive": {"href": "/fotoweb/services/keepalive", "interval": 20},
        "navigate_next": "/fotoweb/services/navigate/next",
        "navigate_prev": "/fotoweb/services/navigate/prev",
        "retranscode": "/fotoweb/services/retranscode",
    }


def _permissions() -> dict[str, Any]:
    albums = dict.fromkeys(("create", "addAssets", "comment", "shareWithGuests", "showOnHomepage"), False)
    return {"albums": albums, **{name: name in GIVEN_TO_EVERYBODY for name in PERMISSIONS}}


def _site() -> dict[str, Any]:
    return {
        "userManagement": {"userList": "/fotoweb/api/users", "groupList": "/fotoweb/api/groups"},
        "views": {"loggedOut": "/fotoweb/views/login", "selection": "/fotoweb/views/selection"},
        "widgets": {"selection": "/fotoweb/widgets/selection"},
        "appearance": dict.fromkeys(
            ("mainLogo", "loginLogo", "mobileLogo", "favicon", "homepageImage", "customCss"), ""
        ),
        "order": {},
        "upload": {"preserveMetadata": False},
        "security": {"allowFileSystemDestinations": False},
        "apiFeatureLevels": {"consentFormsApiFeatureLevel": 1, "downloadSettingsApiFeatureLevel": 1},
        "isForcePasswordChangeSet": False,
        "isPreferProInterfaceByDefaultEnabled": False,
        "isVersioningEnabled": False,
        "customizations": {},
        "siteConfigurationHref": "/fotoweb/settings/",
    }


def guest_api_descriptor() -> dict[str, Any]:
    """Build the descriptor for guests."""
    return {
        "href": "/fotoweb/",
        "server": "FotoWeb Core",
        "utc_offset": 0,
        "archives": "/fotoweb/archives/",
        "albums": "/fotoweb/albums/",
        "taxonomies": "/fotoweb/taxonomies/",
        "screens": "/fotoweb/screens/",
        "background_tasks": "/fotoweb/background-tasks/",
        "searchURL": "/fotoweb/archives/{?q}",
        "services": {
            "login": "/fotoweb/login",
            "search": "/fotoweb/search/",
            "rendition_request": "/fotoweb/services/renditions",
        },
    }
