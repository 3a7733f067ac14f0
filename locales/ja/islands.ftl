## ブラウザー側の文言。`%n%` はブラウザーが入れる数。`{ キー }` は `main.ftl` の文言。

keeper-idle-title = ご利用中ですか？
keeper-idle-text = しばらく操作がありません。アカウントを保護するため、まもなくサインアウトします。残り時間：
keeper-absolute-title = サインインの有効期限が近づいています
keeper-absolute-text = 有効期限は延長できません。作業内容を保存し、期限後にもう一度サインインしてください。残り時間：
keeper-seconds-left = 残り%n%秒です。
keeper-stay = サインインしたままにする
keeper-dismiss = わかりました
keeper-sign-out = { nav-sign-out }
keeper-offline = 接続できません。再接続しています…
keeper-sign-in-title = もう一度サインインしてください
keeper-sign-in-text = このページの入力内容はそのまま残っています。
keeper-email = { email }
keeper-password = { password }
keeper-sign-in = { login-submit }
keeper-wrong-password = パスワードが正しくありません。もう一度お試しください。
keeper-sign-in-failed = サインインできませんでした。しばらくしてからもう一度お試しください。
keeper-sign-in-page = サインインページへ
keeper-code-text = 認証アプリのコード、またはリカバリーコードを入力してください。
keeper-code = { second-factor-code }
keeper-wrong-code = { error-invalid_code }
keeper-passkey = { step-up-passkey }
keeper-draft-restored = 保存されていない入力内容を復元しました。
keeper-draft-discard = 破棄

keeper-end-reason-signed-out = { end-reason-signed_out }
keeper-end-reason-idle-timeout = { end-reason-idle_timeout }
keeper-end-reason-absolute-timeout = { end-reason-absolute_timeout }
keeper-end-reason-revoked-by-user = { end-reason-revoked_by_user }
keeper-end-reason-revoked-by-admin = { end-reason-revoked_by_admin }
keeper-end-reason-device-limit = { end-reason-device_limit }
keeper-end-reason-password-changed = { end-reason-password_changed }
keeper-end-reason-account-disabled = { end-reason-account_disabled }
keeper-end-reason-refresh-reuse = { end-reason-refresh_reuse }
keeper-end-reason-unknown = サインアウトされています。

password-meter-hint = 関連のない単語をいくつか組み合わせると、強いパスワードになります。
password-meter-score-0 = とても弱い：すぐに推測されます
password-meter-score-1 = 弱い：簡単に推測されます
password-meter-score-2 = 普通：もう少し強くできます
password-meter-score-3 = 良い
password-meter-score-4 = 強い
